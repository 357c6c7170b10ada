"""Dead letters as rows and as messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import accumulate
from typing import Any

from waybill.domain import Carrier, Failure, Origin, Owner, Report, new_report_id
from waybill.messages import DeadLetter, UnreadableMessage
from waybill.messages.dead_letter import preview

_MAX_STACK_CHARACTERS = 8000
_COLUMNS = {
    "id",
    "reason",
    "detail",
    "report_id",
    "topic",
    "partition",
    "offset",
    "attempts",
    "stack",
    "traceparent",
}


@dataclass(frozen=True)
class UnreadMessage:
    """A Kafka message as it came. `source` names it among all messages ever."""

    source: str
    origin: Origin
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | str | None]]
    carrier: Carrier | None


def report_letter(report: Report, failure: Failure, origin: Origin, stack: str | None) -> DeadLetter:
    """For a report whose attempts are exhausted, or with which too many workers were lost."""
    return DeadLetter(
        id=new_report_id(),
        reason=failure.type,
        detail=failure.message,
        report_id=report.id,
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        attempts=report.attempt,
        stack=stack[-_MAX_STACK_CHARACTERS:] if stack else None,
        traceparent=report.carrier.traceparent if report.carrier else None,
        at=report.updated_at,
    )


def message_letter(message: UnreadMessage, error: UnreadableMessage) -> DeadLetter:
    """For a message that cannot be read."""
    return DeadLetter(
        id=new_report_id(),
        reason=error.reason,
        detail=str(error),
        topic=message.origin.topic,
        partition=message.origin.partition,
        offset=message.origin.offset,
        key_base64=preview(message.key),
        value_base64=preview(message.value),
        value_size=len(message.value or b""),
        traceparent=message.carrier.traceparent if message.carrier else None,
        at=datetime.now(UTC),
    )


def stored_letter(letter: DeadLetter, owner: Owner) -> dict[str, object]:
    """The row of a report's letter. `owner`: the report's."""
    return {
        **letter.model_dump(include=_COLUMNS),
        "tenant": owner.tenant,
        "owner": owner.name,
        "source": f"{letter.report_id}/{letter.attempts}",
    }


def stored_message_letter(letter: DeadLetter, message: UnreadMessage, max_bytes: int) -> dict[str, object]:
    """The row of a message's letter, with as much of the message as `max_bytes` hold: of key and headers at
    most a quarter each, and of the value the rest. What is cut off is the end."""
    quarter = max_bytes // 4
    key = message.key and message.key[:quarter]
    headers = _first([[name, _printable(value)] for name, value in message.headers], quarter)
    rest = max_bytes - len(key or b"") - _size(headers)
    return {
        **letter.model_dump(include={*_COLUMNS, "value_size"}),
        "source": message.source,
        "key": key,
        "value": message.value and message.value[:rest],
        "value_sha256": None if message.value is None else sha256(message.value).hexdigest(),
        "headers": headers,
        "tracestate": message.carrier.tracestate if message.carrier else None,
    }


def stored_bytes(row: Mapping[str, Any]) -> int:
    """What a row of `stored_message_letter` holds of its message."""
    return len(row["key"] or b"") + len(row["value"] or b"") + _size(row["headers"])


def cut_bytes(row: Mapping[str, Any]) -> int:
    """What it does not hold of the message's value."""
    return int(row["value_size"]) - len(row["value"] or b"")


def _first(headers: list[list[str | None]], max_bytes: int) -> list[list[str | None]]:
    """The first headers that fit, each whole."""
    sizes = accumulate(_size([header]) for header in headers)
    return [header for header, size in zip(headers, sizes, strict=True) if size <= max_bytes]


def _size(headers: list[list[str | None]]) -> int:
    return sum(len(part.encode()) for header in headers for part in header if part)


def _printable(value: bytes | str | None) -> str | None:
    """A header's value as text that the database takes, whatever its bytes."""
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else value
    return text.replace("\0", "\\x00") if text else text
