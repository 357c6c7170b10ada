"""Every test of Waybill. Being a package puts the checkout on the import path, for `local` and `tests.support`."""
