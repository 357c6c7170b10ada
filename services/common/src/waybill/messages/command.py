"""The command: the message on topic `report` that tells a worker to produce a report."""

import json
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from waybill.domain import Carrier
from waybill.errors import WaybillError

COMMAND_VERSION: Final = 1

BARE_CARRIER_KEY = b"report"
"""The key that the article's producer gives its messages."""

_CARRIER_FIELDS = frozenset({"traceparent", "tracestate", "baggage"})


class Command(BaseModel):
    """Which report to produce. The row says how; so a command is small, and an old one does no harm.

    `traceparent` and `tracestate` stand beside the other fields, because programs that read the trace
    context from the value look for them there. Unknown fields are ignored: a later version may add some.
    """

    # a command always says its version: what has none may be of any
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        json_schema_extra={"required": ["schema_version", "report_id", "kind"]},
    )

    schema_version: Literal[1] = COMMAND_VERSION
    report_id: UUID = Field(description="The report's id; also the message's key.")
    kind: str = Field(description="The report's kind, for those who read the topic.")
    traceparent: str | None = Field(default=None, description="W3C trace context of report_producer.")
    tracestate: str | None = None

    @property
    def carrier(self) -> Carrier | None:
        return Carrier.from_mapping({"traceparent": self.traceparent, "tracestate": self.tracestate})


@dataclass(frozen=True)
class BareCarrier:
    """A message that is nothing but a trace context: it asks for a `dowork` report inside that trace."""

    carrier: Carrier | None


class UnreadableMessage(WaybillError):  # noqa: N818 - the name is the sentence
    """A message on topic `report` that is no command. `reason` is one word for metrics and dead letters.

    The sentence may quote the message, so what the database cannot keep in it is escaped.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail.encode(errors="backslashreplace").decode().replace("\0", "\\x00"))
        self.reason = reason


def read_command(key: bytes | None, value: bytes | None) -> Command | BareCarrier:
    """Raises `UnreadableMessage` for whatever is neither; nothing else, whatever the bytes."""
    if value is None:
        raise UnreadableMessage("null_value", "The message has no value.")
    fields = _read_object(value)
    if key == BARE_CARRIER_KEY and fields.keys() <= _CARRIER_FIELDS:
        return BareCarrier(Carrier.from_mapping(fields))
    version = fields.get("schema_version")
    if version != COMMAND_VERSION:
        raise UnreadableMessage(
            "unknown_schema_version",
            f"The message's schema_version is {version!r:.40}; this worker reads {COMMAND_VERSION}.",
        )
    try:
        return Command.model_validate(fields | _text_carrier(fields))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise UnreadableMessage("wrong_field", f"The command's {field} is wrong: {first['msg']}.") from None


def _read_object(value: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise UnreadableMessage("not_json", f"The message's value is not JSON: {error}.") from None
    if not isinstance(fields, dict):
        raise UnreadableMessage("not_an_object", f"The message's value is a JSON {type(fields).__name__}.")
    return fields


def _text_carrier(fields: dict[str, Any]) -> dict[str, str | None]:
    """A trace context of a wrong type costs the trace, never the job."""
    return {
        name: fields[name] if isinstance(fields.get(name), str) else None
        for name in ("traceparent", "tracestate")
    }
