"""The unit of work: changes of reports in one transaction, each with its event and its messages."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import (
    Carrier,
    End,
    NewReport,
    Origin,
    Report,
    Requeue,
    Status,
    StepTaken,
    lifecycle,
)
from waybill.ledger.errors import NotRedrivable
from waybill.ledger.letters import report_letter, stored_letter
from waybill.messages import Command, DeadLetter, StatusEvent, status_event, step_event
from waybill.store import OutboxMessage
from waybill.store.statements import dead_letters, events, records, reports
from waybill.topics import Topics


class Changes:
    """Changes of any number of reports that are committed together.

    Each method writes the row, and derives what belongs to it: the event in `report_events`, the message on
    `report-status`, and a command where the report then waits for a worker. Events and messages are written
    at the end, by `write_records`. `keys` are the keys of all messages, in their order; the relay is notified
    of them after the commit.
    """

    def __init__(self, connection: Connection, topics: Topics, requeue_after: timedelta) -> None:
        """`Transactions.changes` makes it."""
        self.connection = connection
        self.requeue_after = requeue_after
        self._topics = topics
        self._recorded: list[records.RecordedChange] = []
        self._messages: list[OutboxMessage] = []

    @property
    def keys(self) -> Iterable[str]:
        return dict.fromkeys(message.key for message in self._messages)

    def write_records(self) -> None:
        """What belongs to the changes; before the commit."""
        if self._messages:
            records.put(self.connection, self._recorded, self._messages)

    # --- requested by a client

    def insert(self, new: NewReport) -> Report | None:
        """A requested report. None where its `source` has requested one before.

        One with a `source` has its command already: the message that it came from.
        """
        report = reports.insert_new(self.connection, new, self.requeue_after)
        return report and self.record(report, has_command=new.source is not None)

    def cancel(self, report_id: UUID) -> Report | None:
        """Ends a report that waits, or asks the worker that has it. None where it has ended, or is being
        cancelled."""
        # Locked first: while its worker releases it, it is neither waiting nor held.
        reports.lock(self.connection, report_id)
        report = reports.cancel_waiting(self.connection, report_id)
        report = report or reports.request_cancel(self.connection, report_id)
        return report and self.record(report)

    def redrive(self, report_id: UUID, letter_id: UUID | None = None) -> Report:
        """A failed or cancelled report restarts, in its old trace; its letters and that of `letter_id` no
        longer wait. Raises `NotRedrivable`."""
        report = reports.redrive(self.connection, report_id, self.requeue_after)
        if report is None:
            raise NotRedrivable("Only a report that failed or was cancelled can be tried again.")
        dead_letters.mark_redriven(self.connection, report_id, letter_id)
        return self.record(report)

    # --- by recovery and relay, in any process

    def take_back(self, lost: Report, decision: Requeue | End) -> Report:
        """Takes a locked report from the attempt that lost it."""
        end = decision if isinstance(decision, End) else End(Status.INIT)
        report = reports.take_back(self.connection, lost, end.status, end.failure, self.requeue_after)
        origin = lost.attempt_trace.origin if lost.attempt_trace else Origin(self._topics.report, -1, -1)
        return self.record_end(report, end, origin)

    def requeue_due(self, limit: int) -> list[Report]:
        """Gives waiting reports that are due another command: retries, and those whose command was lost."""
        due = reports.lock_unqueued(self.connection, self._topics.report, limit)
        if due:
            reports.set_requeue(self.connection, [report.id for report in due], self.requeue_after)
            self._enqueue([self._command(report) for report in due])
        return due

    def refuse(self, message: OutboxMessage, reason: str) -> None:
        """The broker will never take `message`: a report that waits for it as its command fails."""
        if message.topic != self._topics.report:
            return
        report = reports.get_by_key(self.connection, message.key)
        end = lifecycle.after_refusal(reason)
        ended = reports.end_waiting(self.connection, report.id, end.status, end.failure) if report else None
        if ended:
            self.record(ended)

    def republish_latest(self, keys: Sequence[str]) -> None:
        """Publishes each report's last event again, where an older one may have been published after it."""
        for report in (reports.lock_by_key(self.connection, key) for key in sorted(keys)):
            latest = report and events.latest(self.connection, report.id)
            if report and latest:
                self._enqueue([self._status_message(report, latest.data)])

    def remove(self, report_ids: Sequence[UUID]) -> None:
        """Removes locked reports with their events, and their last state from `report-status`."""
        reports.remove(self.connection, report_ids)
        self._enqueue(
            [OutboxMessage(self._topics.report_status, str(report_id), None) for report_id in report_ids]
        )

    # --- dead letters

    def keep_letter(self, letter: DeadLetter, row: dict[str, object], carrier: Carrier | None) -> bool:
        """Keeps a dead letter and publishes it. False where its `source` has one already."""
        if not dead_letters.put(self.connection, row):
            return False
        value = letter.model_dump(mode="json")
        self._enqueue([OutboxMessage(self._topics.report_dead_letter, str(letter.id), value, carrier)])
        return True

    # --- of a row that was changed in this transaction

    def record(self, report: Report, *, has_command: bool = False) -> Report:
        """The event of a change of status, and a command where the report waits for a worker now."""
        waits = report.status is Status.INIT and report.not_before is None
        commands = [self._command(report)] if waits and not has_command else []
        self._record([(report, status_event(report))], *commands)
        return report

    def record_end(self, report: Report, end: End, origin: Origin) -> Report:
        """As `record`; with a dead letter where the report is exhausted."""
        self.record(report)
        if end.exhausted and end.failure:
            letter = report_letter(report, end.failure, origin, end.stack)
            self.keep_letter(letter, stored_letter(letter), report.carrier)
        return report

    def record_steps(self, last: Report, taken: Sequence[StepTaken]) -> None:
        """The events of steps, each of a version of its own; `last` is how the last of them has left the
        report."""
        first = last.version - len(taken) + 1
        states = (replace(last, version=first + i, progress=one.progress) for i, one in enumerate(taken))
        self._record((state, step_event(state, one.change)) for state, one in zip(states, taken, strict=True))

    # --- parts

    def _record(self, changes: Iterable[tuple[Report, StatusEvent]], *more: OutboxMessage) -> None:
        recorded = [(report, event.type, event.model_dump(mode="json")) for report, event in changes]
        self._recorded += recorded
        self._enqueue([*(self._status_message(report, data) for report, _, data in recorded), *more])

    def _status_message(self, report: Report, data: dict[str, object]) -> OutboxMessage:
        return OutboxMessage(self._topics.report_status, str(report.id), data, report.carrier)

    def _command(self, report: Report) -> OutboxMessage:
        """Tells a worker to produce the report."""
        command = Command(report_id=report.id, kind=report.kind)
        value = command.model_dump(mode="json", exclude_none=True)
        return OutboxMessage(self._topics.report, str(report.id), value, report.carrier, traced=True)

    def _enqueue(self, messages: Sequence[OutboxMessage]) -> None:
        self._messages += messages
