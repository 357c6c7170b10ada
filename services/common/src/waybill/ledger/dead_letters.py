"""What could not be done, kept with its reason until it is redriven."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import Carrier, Failure, Origin, Report, new_report_id
from waybill.errors import WaybillError
from waybill.ledger.recorder import Recorder
from waybill.messages import Command, DeadLetter, UnreadableMessage, read_command, status_event
from waybill.messages.dead_letter import preview
from waybill.store import DeadLetterFilter, OutboxMessage, StoredDeadLetter
from waybill.store.statements import dead_letters, outbox, reports
from waybill.topics import Topics

_STACK_CHARACTERS = 8000


class NotRedrivable(WaybillError):  # noqa: N818 - the name is the sentence
    """The report has not failed, or the message still cannot be read."""


@dataclass(frozen=True)
class UnreadMessage:
    """A Kafka message as it came. `source` names it among all messages ever."""

    source: str
    origin: Origin
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | str | None]]
    carrier: Carrier | None


class DeadLetterOffice:
    """Keeps, lists and redrives dead letters. Each method is one transaction, as in `Ledger`."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def keep(self, message: UnreadMessage, error: UnreadableMessage) -> DeadLetter:
        """A message that could not be read, once for each `source`."""
        letter = _message_letter(message, error)
        row = _row(letter, message.source) | {
            "key": message.key,
            "value": message.value,
            "headers": [[name, _printable(value)] for name, value in message.headers],
            "tracestate": message.carrier.tracestate if message.carrier else None,
        }
        with self._recorder.transaction() as connection:
            if dead_letters.put(connection, row):
                outbox.put(connection, [_announcement(self._recorder.topics, letter, message.carrier)])
        self._recorder.announce(str(letter.id))
        return letter

    def page(self, wanted: DeadLetterFilter) -> list[StoredDeadLetter]:
        """Newest first."""
        with self._recorder.transaction() as connection:
            return dead_letters.page(connection, wanted)

    def redrive(self, report_id: UUID, letter_id: UUID | None = None) -> Report:
        """Begins a failed or cancelled report anew, in its old trace; its letters and that of `letter_id`
        no longer wait. Raises `NotRedrivable`."""
        with self._recorder.transaction() as connection:
            report = reports.redrive(connection, report_id, self._recorder.enqueue_again)
            if report is None:
                raise NotRedrivable("Only a report that failed or was cancelled can be tried again.")
            dead_letters.mark_redriven(connection, report_id, letter_id)
            self._recorder.record(connection, status_event(report), report, self._recorder.command(report))
        self._recorder.announce(str(report.id))
        return report

    def redrive_letter(self, letter: StoredDeadLetter) -> Report:
        """Redrives the report of a letter; of a message, the one that it names if it can be read by now.
        Raises `NotRedrivable`."""
        return self.redrive(letter.report_id or _named_in(letter), letter.id)


def report_letter(report: Report, failure: Failure, origin: Origin, stack: str | None) -> DeadLetter:
    """For a report that has used up its attempts, or has cost too many workers."""
    return DeadLetter(
        id=new_report_id(),
        reason=failure.type,
        detail=failure.message,
        report_id=report.id,
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        attempts=report.attempt,
        stack=stack[-_STACK_CHARACTERS:] if stack else None,
        traceparent=report.carrier.traceparent if report.carrier else None,
        at=datetime.now(UTC),
    )


def put(connection: Connection, topics: Topics, letter: DeadLetter, carrier: Carrier | None) -> None:
    """Keeps and announces a report's letter in the transaction of its end."""
    dead_letters.put(connection, _row(letter, f"{letter.report_id}/{letter.attempts}"))
    outbox.put(connection, [_announcement(topics, letter, carrier)])


def _message_letter(message: UnreadMessage, error: UnreadableMessage) -> DeadLetter:
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


def _row(letter: DeadLetter, source: str) -> dict[str, object]:
    return {**letter.model_dump(include=_COLUMNS), "source": source}


def _announcement(topics: Topics, letter: DeadLetter, carrier: Carrier | None) -> OutboxMessage:
    return OutboxMessage(topics.report_dead_letter, str(letter.id), letter.model_dump(mode="json"), carrier)


def _named_in(letter: StoredDeadLetter) -> UUID:
    try:
        asked = read_command(letter.key, letter.value)
    except UnreadableMessage as error:
        raise NotRedrivable(f"The message still cannot be read: {error}") from None
    if not isinstance(asked, Command):
        raise NotRedrivable("The message names no report.")
    return asked.report_id


def _printable(value: bytes | str | None) -> str | None:
    """A header's value as text that the database takes, whatever its bytes."""
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else value
    return text.replace("\0", "\\x00") if text else text
