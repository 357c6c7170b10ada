"""What a report costs, in counts, and how fast Waybill is beside others, in ratios: docs/performance.md.

`make bench` runs it.
"""
