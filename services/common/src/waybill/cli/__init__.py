"""The command `waybill`."""

from waybill.cli.app import app, main

__all__ = ["app", "main"]
