"""Counts: what one report takes of each part. They hardly depend on how busy the machine is."""
