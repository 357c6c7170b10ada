"""The implementations of the kinds that come with Waybill; their definitions are in `waybill.kinds`."""
