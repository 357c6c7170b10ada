"""report-worker: claims reports, runs their kinds in slots, keeps what they produce."""
