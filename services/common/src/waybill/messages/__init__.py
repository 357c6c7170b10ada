"""The messages on Kafka, as frozen models with a schema version; each has its JSON Schema in `schemas/`."""

from waybill.messages.command import COMMAND_VERSION, BareCarrier, Command, UnreadableMessage, read_command
from waybill.messages.dead_letter import DeadLetter
from waybill.messages.headers import carrier_from_headers, headers_for
from waybill.messages.schemas import SCHEMAS, schema_text
from waybill.messages.status_event import (
    StatusEvent,
    StatusEventType,
    WaitedModel,
    status_event,
    step_event,
)

__all__ = [
    "COMMAND_VERSION",
    "SCHEMAS",
    "BareCarrier",
    "Command",
    "DeadLetter",
    "StatusEvent",
    "StatusEventType",
    "UnreadableMessage",
    "WaitedModel",
    "carrier_from_headers",
    "headers_for",
    "read_command",
    "schema_text",
    "status_event",
    "step_event",
]
