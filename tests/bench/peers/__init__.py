"""What Waybill is measured against. The modules named after a peer run in the peers' own environment, as
commands: `prepare N` lets N jobs wait, `work` does them. They know nothing of Waybill.
"""
