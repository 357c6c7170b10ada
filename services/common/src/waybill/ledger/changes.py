"""The unit of work: changes of reports in one transaction, each with its event and its messages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from waybill.ledger.outgoing import Entry, Published, Row, publication_entry
from waybill.messages import DeadLetter, StatusEvent, status_event, step_event
from waybill.store import OutboxMessage, Publication
from waybill.store.statements import dead_letters, events, outbox, records, reports
from waybill.topics import Topics


class Changes:
    """Changes of any number of reports that are committed together.

    Each method writes the row, and derives what belongs to it: the event in `report_events`, the message on
    `report-status`, and a command where the report then waits for a worker. These are written down at the
    end, by `write_records`, and handed to the relay after the commit.
    """

    def __init__(self, connection: Connection, topics: Topics, requeue_after: timedelta) -> None:
        """`Transactions.changes` makes it."""
        self.connection = connection
        self.requeue_after = requeue_after
        self._topics = topics
        self._changed: dict[UUID, _Changed] = {}
        self._messages: list[OutboxMessage] = []

    def write_records(self, published: Published) -> tuple[list[Entry], dict[str, list[Row]]]:
        """What belongs to the changes, before the commit: they are to be published. Forgets what was
        `published`, and returns what else of the same reports, and of those it names, waits for that."""
        if not (self._changed or self._messages or published):
            return [], {}
        changed = self._changed.values()
        keys = {*map(str, self._changed), *(message.key for message in self._messages), *published.keys}
        waiting: dict[str, list[Row]] = {}
        for key, row in records.put(
            self.connection,
            [event for one in changed for event in one.events],
            [one.publication for one in changed],
            [row for row in published.rows if isinstance(row, Publication)],
            keys,
        ):
            waiting.setdefault(key, []).append(row)
        if ids := [row for row in published.rows if isinstance(row, int)]:
            outbox.remove(self.connection, ids)
        ids = outbox.put(self.connection, self._messages) if self._messages else []
        entries = [one.entry(self._topics) for one in changed]
        entries += [Entry(row, one.key, [one]) for row, one in zip(ids, self._messages, strict=True)]
        return entries, waiting

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
            for report in due:
                self._changed_of(report).has_command = True
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
                self._changed_of(report).again = json.dumps(latest.data)

    def remove(self, report_ids: Sequence[UUID]) -> None:
        """Removes locked reports with their events, and their last state from `report-status`."""
        reports.remove(self.connection, report_ids)
        self._messages += [
            OutboxMessage(self._topics.report_status, str(report_id), None) for report_id in report_ids
        ]

    # --- dead letters

    def keep_letter(self, letter: DeadLetter, row: dict[str, object], carrier: Carrier | None) -> bool:
        """Keeps a dead letter and publishes it. False where its `source` has one already."""
        if not dead_letters.put(self.connection, row):
            return False
        value = letter.model_dump(mode="json")
        self._messages.append(OutboxMessage(self._topics.report_dead_letter, str(letter.id), value, carrier))
        return True

    # --- of a row that was changed in this transaction

    def record(self, report: Report, *, has_command: bool = False) -> Report:
        """The event of a change of status, and a command where the report waits for a worker now."""
        changed = self._record(report, status_event(report))
        waits = report.status is Status.INIT and report.not_before is None
        changed.has_command |= waits and not has_command
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
        for version, one in enumerate(taken, first):
            state = replace(last, version=version, progress=one.progress)
            self._record(state, step_event(state, one.change))

    # --- parts

    def _record(self, report: Report, event: StatusEvent) -> "_Changed":
        changed = self._changed_of(report)
        changed.report = report
        changed.events.append(records.RecordedEvent(report, event.type, event.model_dump_json()))
        return changed

    def _changed_of(self, report: Report) -> "_Changed":
        return self._changed.setdefault(report.id, _Changed(report))


@dataclass
class _Changed:
    """A report that a transaction changes, or of which it has something published: `again`, its last
    event."""

    report: Report
    events: list[records.RecordedEvent] = field(default_factory=list)
    has_command: bool = False
    again: str | None = None

    @property
    def publication(self) -> Publication:
        last = self.report.version
        first = last + 1 - (len(self.events) or int(self.again is not None))
        return Publication(self.report.id, first, last, self.has_command)

    def entry(self, topics: Topics) -> Entry:
        events = [event.data for event in self.events]
        if self.again and not events:
            events = [self.again]
        return publication_entry(topics, self.publication, self.report.kind, self.report.carrier, events)
