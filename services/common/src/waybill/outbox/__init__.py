"""From the outbox to Kafka."""

from waybill.outbox.relay import Relay, RelayPolicy

__all__ = ["Relay", "RelayPolicy"]
