"""Every test of Waybill. A package, so that the checkout is on the import path: for `local` and this."""
