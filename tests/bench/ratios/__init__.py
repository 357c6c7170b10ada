"""Ratios: Waybill beside others, and beside itself in other circumstances, in turns."""
