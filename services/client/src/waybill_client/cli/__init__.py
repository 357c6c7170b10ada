"""The command `waybill`."""

from waybill_client.cli.app import app, main

__all__ = ["app", "main"]
