"""The ledger: every change of a report, in one transaction with the event and messages that announce it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, Engine

from waybill.domain import (
    Carrier,
    Failure,
    Fence,
    LeasePolicy,
    NewReport,
    Progress,
    Report,
    Status,
    StepChange,
    StoredArtefact,
)
from waybill.errors import WaybillError
from waybill.messages import Command, DeadLetter, StatusEvent, status_event, step_event
from waybill.store import (
    OutboxMessage,
    ReportFilter,
    StoredEvent,
    StoreUnavailable,
    is_unavailable,
    statements,
)
from waybill.topics import Topics

Announce = Callable[[str], None]
"""Told a message key right after the commit that put messages of this key into the outbox."""


class LeaseLost(WaybillError):  # noqa: N818 - the name is the sentence
    """The attempt is no longer this worker's: whatever it still writes is refused."""

    def __init__(self, fence: Fence) -> None:
        super().__init__(f"Attempt {fence.attempt} at report {fence.report_id} has lost its lease.")


@dataclass(frozen=True)
class UnreadMessage:
    """A Kafka message as it came, for a dead letter. `source` names it among all messages ever."""

    source: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | str | None]]
    carrier: Carrier | None


class Ledger:
    """Reads and changes reports. Every method is one transaction and may block on the database.

    Each raises `StoreUnavailable` where the database is away; then nothing is changed, or, if the
    connection broke in the commit itself, the change may have been made.
    """

    def __init__(self, engine: Engine, topics: Topics, announce: Announce, lease: LeasePolicy) -> None:
        self._engine = engine
        self._topics = topics
        self._announce = announce
        self._lease = lease

    # --- reading

    def get(self, report_id: UUID) -> Report | None:
        with self._transaction() as connection:
            return statements.get_report(connection, report_id)

    def page(self, wanted: ReportFilter) -> list[Report]:
        with self._transaction() as connection:
            return statements.list_reports(connection, wanted)

    def events_after(self, report_id: UUID, version: int) -> list[StoredEvent]:
        """What a client that has seen `version` has missed, in order."""
        with self._transaction() as connection:
            return statements.events_after(connection, report_id, version)

    # --- what a client asks for

    def accept(self, new: NewReport) -> Report:
        """Keeps a requested report and its command. Once it returns, the report will be worked on."""
        with self._transaction() as connection:
            report = statements.insert_report(connection, new)
            if report is None:
                raise AssertionError(f"a new id is taken: {new.id}")
            self._record(connection, status_event(report), report, self._command(report))
        self._announce(str(report.id))
        return report

    def accept_foreign(self, new: NewReport) -> Report:
        """Keeps a report that a message without a row has asked for, once for each `source`.

        There is no command: the message is its own.
        """
        if new.source is None:
            raise AssertionError("a foreign report has a source")
        with self._transaction() as connection:
            report = statements.insert_report(connection, new)
            if report is None:
                known = statements.get_report_by_source(connection, new.source)
                if known is None:
                    raise AssertionError(f"the source is taken by nobody: {new.source}")
                return known
            self._record(connection, status_event(report), report)
        self._announce(str(report.id))
        return report

    # --- what a worker does

    def claim(self, report_id: UUID, owner: str) -> Report | None:
        """A new attempt with a lease, or None where the report does not wait for one."""
        with self._transaction() as connection:
            report = statements.claim_report(connection, report_id, owner, self._lease)
            if report is None:
                return None
            self._record(connection, status_event(report), report)
        self._announce(str(report.id))
        return report

    def heartbeat(self, fence: Fence) -> None:
        """Renews the lease. Raises `LeaseLost`."""
        with self._transaction() as connection:
            if not statements.renew_lease(connection, fence, self._lease):
                raise LeaseLost(fence)

    def step(self, fence: Fence, progress: Progress, change: StepChange) -> Report:
        """One step began or ended, which leaves the attempt at `progress`. Raises `LeaseLost`."""
        with self._transaction() as connection:
            report = statements.change_progress(connection, fence, progress)
            if report is None:
                raise LeaseLost(fence)
            self._record(connection, step_event(report, change), report)
        self._announce(str(fence.report_id))
        return report

    def finish(
        self, fence: Fence, failure: Failure | None = None, artefact: StoredArtefact | None = None
    ) -> Report:
        """The report's end: `fail` where there is a `failure`, else `done`. Raises `LeaseLost`."""
        status = Status.FAIL if failure else Status.DONE
        with self._transaction() as connection:
            report = statements.finish_report(connection, fence, status, failure, artefact)
            if report is None:
                raise LeaseLost(fence)
            self._record(connection, status_event(report), report)
        self._announce(str(fence.report_id))
        return report

    def hand_back(self, fence: Fence) -> Report:
        """Returns an interrupted attempt's report to `init` with a new command. Raises `LeaseLost`."""
        with self._transaction() as connection:
            report = statements.hand_back_report(connection, fence)
            if report is None:
                raise LeaseLost(fence)
            self._record(connection, status_event(report), report, self._command(report))
        self._announce(str(fence.report_id))
        return report

    def dead_letter(self, letter: DeadLetter, message: UnreadMessage) -> None:
        """Keeps a message that could not be read, once, and announces it on the dead letter topic."""
        row = letter.model_dump(
            include={"id", "reason", "detail", "report_id", "topic", "partition", "offset"}
        )
        row |= {
            "source": message.source,
            "key": message.key,
            "value": message.value,
            "headers": [[name, _printable(value)] for name, value in message.headers],
            "traceparent": message.carrier and message.carrier.traceparent,
            "tracestate": message.carrier and message.carrier.tracestate,
        }
        announcement = OutboxMessage(
            topic=self._topics.report_dead_letter,
            key=str(letter.id),
            value=letter.model_dump(mode="json"),
            carrier=message.carrier,
        )
        with self._transaction() as connection:
            if statements.insert_dead_letter(connection, row):
                statements.insert_messages(connection, [announcement])
        self._announce(announcement.key)

    # --- inside a transaction

    def _record(
        self, connection: Connection, event: StatusEvent, report: Report, *more: OutboxMessage
    ) -> None:
        data = event.model_dump(mode="json")
        statements.insert_event(connection, report, event.type, data)
        told = OutboxMessage(
            topic=self._topics.report_status, key=str(report.id), value=data, carrier=report.carrier
        )
        statements.insert_messages(connection, [told, *more])

    def _command(self, report: Report) -> OutboxMessage:
        command = Command(report_id=report.id, kind=report.kind)
        return OutboxMessage(
            topic=self._topics.report,
            key=str(report.id),
            value=command.model_dump(mode="json", exclude_none=True),
            carrier=report.carrier,
            traced=True,
        )

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except Exception as error:
            if is_unavailable(error):
                raise StoreUnavailable("The database cannot be reached now; nothing is lost.") from error
            raise


def _printable(value: bytes | str | None) -> str | None:
    """A header's value as text that the database takes, whatever its bytes."""
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else value
    return text.replace("\0", "\\x00") if text else text
