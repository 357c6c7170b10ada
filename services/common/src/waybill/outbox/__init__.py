"""From the outbox to Kafka."""

from waybill.outbox.pending import Pending
from waybill.outbox.publisher import Publisher
from waybill.outbox.relay import Relay, RelayPolicy

__all__ = ["Pending", "Publisher", "Relay", "RelayPolicy"]
