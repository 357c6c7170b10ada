"""From the outbox to Kafka."""

from waybill.outbox.keys import PendingKeys
from waybill.outbox.publisher import Publisher
from waybill.outbox.relay import Relay, RelayPolicy

__all__ = ["PendingKeys", "Publisher", "Relay", "RelayPolicy"]
