"""What belongs to changes of reports: their events, their dead letters, and what they have to publish."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from waybill.domain import (
    AuditEvent,
    Carrier,
    End,
    Origin,
    Report,
    Status,
    StepResult,
    StepTaken,
)
from waybill.ledger.letters import report_letter, stored_letter
from waybill.ledger.outgoing import Entry, Published, Row, publication_entry
from waybill.ledger.stored_events import left_out
from waybill.ledger.turns import take_turns
from waybill.messages import DeadLetter, StatusEvent, WaitedModel, status_event, step_event
from waybill.store import AnyConnection, DirectConnection, NotDirectly, OutboxMessage, Publication
from waybill.store.statements import audit, dead_letters, dispatch, outbox, records, step_results
from waybill.store.statements.admission import Limiting
from waybill.store.statements.dispatch import Dispatched
from waybill.store.statements.publications import AGAIN
from waybill.topics import Topics


@dataclass(frozen=True)
class Records:
    """What a transaction has left to be published, and the rows that waited for that before it, by key."""

    entries: list[Entry]
    waiting: dict[str, list[Row]]


class Recording:
    """Of a transaction in which reports change: gets each row after its change.

    From it, it derives the event in `report_events`, the message on `report-status`, and a command where the
    report then waits for a claim. These are written down at the end, by `write_records`, and handed to the
    relay after the commit.
    """

    def __init__(
        self,
        connection: AnyConnection,
        topics: Topics,
        requeue_after: timedelta,
        limiting: Limiting | None = None,
    ) -> None:
        """`Transactions.changes` makes it. `limiting`: the process's; None where it is not known."""
        self.connection = connection
        self.requeue_after = requeue_after
        self.limiting = limiting or Limiting()
        self._topics = topics
        self._changed: dict[UUID, _Changed] = {}
        self._dispatched: list[Dispatched] = []
        self._messages: list[OutboxMessage] = []
        self.audited: list[AuditEvent] = []
        self._takes_turns = False
        self._step_results: list[tuple[UUID, StepResult]] = []
        self._without_results: list[UUID] = []

    def write_records(self, published: Published) -> Callable[[], Records]:
        """What belongs to the changes, before the commit: they are to be published. Forgets what was
        `published`; after the commit, what it returns tells what else of the same reports, and of those it
        names, waits for that."""
        if self._takes_turns:
            self.dispatched(take_turns(self.connection, self.requeue_after, idle=False))
        if self.audited:
            audit.put(self.connection, self.audited)
        if self._step_results:
            step_results.put(self.connection, self._step_results)
        if self._without_results:
            step_results.end(self.connection, self._without_results)
        if not (self._changed or self._dispatched or self._messages or published):
            return lambda: Records([], {})
        ids = [row for row in published.rows if isinstance(row, int)]
        if isinstance(self.connection, DirectConnection) and (ids or self._messages):
            raise NotDirectly
        changed = self._changed.values()
        commands = [_command_alone(one) for one in self._dispatched]
        old = {str(one.report.id) for one in changed if not one.is_new}
        keys = {*old, *(message.key for message in self._messages), *published.keys}
        found = records.put(
            self.connection,
            [event for one in changed for event in one.events],
            [*(one.publication for one in changed), *commands],
            [row for row in published.rows if isinstance(row, Publication)],
            keys,
            again=bool(commands) or any(not one.events for one in changed),
        )
        # What is published again may be in another process's hands: it is left to the sweep, which locks it.
        entries = [one.entry(self._topics) for one in changed if one.events]
        entries += [
            publication_entry(self._topics, row, one.kind, one.carrier, [])
            for row, one in zip(commands, self._dispatched, strict=True)
        ]
        if not isinstance(self.connection, DirectConnection):
            outbox.remove(self.connection, ids)
            stored = outbox.put(self.connection, self._messages)
            entries += [Entry(row, one.key, [one]) for row, one in zip(stored, self._messages, strict=True)]
        return lambda: Records(entries, _by_key(found()))

    def record(
        self,
        report: Report,
        *,
        with_command: bool = True,
        waited: WaitedModel | None = None,
        worker_lost: bool = False,
    ) -> Report:
        """The event of a change of status; and a command where the report could be claimed now, unless
        `with_command` is False."""
        changed = self._record(report, status_event(report, waited=waited, worker_lost=worker_lost))
        can_be_claimed = report.status is Status.INIT and report.not_before is None
        changed.has_command |= can_be_claimed and with_command
        return report

    def record_end(self, report: Report, end: End, origin: Origin, *, worker_lost: bool = False) -> Report:
        """As `record`; with a dead letter where the report is exhausted."""
        self.record(report, worker_lost=worker_lost)
        if end.exhausted and end.failure:
            letter = report_letter(report, end.failure, origin, end.stack)
            self.keep_letter(letter, stored_letter(letter, report.owner), report.carrier)
        return report

    def record_steps(self, last: Report, taken: Sequence[StepTaken]) -> None:
        """The events of steps, each of a version of its own, and what they have left; `last` is how the last
        of them has left the report."""
        first = last.version - len(taken) + 1
        for version, one in enumerate(taken, first):
            state = replace(last, version=version, progress=one.progress)
            self._record(state, step_event(state, one.change))
            if one.result:
                self._step_results.append((last.id, one.result))

    def end_step_results(self, report: Report) -> None:
        """The report is done: nothing needs them any more."""
        self._without_results.append(report.id)

    def keep_letter(self, letter: DeadLetter, row: dict[str, object], carrier: Carrier | None) -> bool:
        """Keeps a dead letter and publishes it. False where its `source` has one already."""
        if isinstance(self.connection, DirectConnection):
            raise NotDirectly
        if not dead_letters.put(self.connection, row):
            return False
        value = letter.model_dump(mode="json")
        self._messages.append(OutboxMessage(self._topics.report_dead_letter, str(letter.id), value, carrier))
        return True

    def audit(self, event: AuditEvent | None) -> None:
        """An authenticated client has asked for a change of this transaction, or for what it reads."""
        if event:
            self.audited.append(event)

    def dispatch(self, limit: int) -> Sequence[Dispatched]:
        """Gives reports that wait for room their commands: as many as there is room for, and at most
        `limit`."""
        return self.dispatched(dispatch.fill(self.connection, limit, self.requeue_after))

    def note_turns(self, takes_turns: bool) -> None:
        """Where turns decide who gets a command, they are taken at the end of this transaction, whose changes
        may have made room or let a report wait."""
        self._takes_turns |= takes_turns

    def dispatched(self, reports: Sequence[Dispatched]) -> Sequence[Dispatched]:
        """They have got their commands in this transaction."""
        self._dispatched += reports
        return reports

    # --- parts

    def _record(self, report: Report, event: StatusEvent) -> "_Changed":
        changed = self._changed_of(report)
        changed.report = report
        stored = event.model_dump_json(exclude=left_out(event))
        changed.events.append(records.RecordedEvent(report, event.type, event.model_dump_json(), stored))
        return changed

    def _changed_of(self, report: Report) -> "_Changed":
        return self._changed.setdefault(report.id, _Changed(report))


def _by_key(rows: Iterable[tuple[str, Row]]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for key, row in rows:
        found.setdefault(key, []).append(row)
    return found


def _command_alone(one: Dispatched) -> Publication:
    return Publication(one.id, one.version + 1, one.version, command=True)


@dataclass
class _Changed:
    """A report that a transaction changes, or whose last event it has published again."""

    report: Report
    events: list[records.RecordedEvent] = field(default_factory=list)
    has_command: bool = False

    @property
    def is_new(self) -> bool:
        """Whether the report did not exist before, so that nothing of it can wait."""
        return self.report.version == len(self.events)

    @property
    def publication(self) -> Publication:
        last = self.report.version
        first = last + 1 - len(self.events) if self.events else AGAIN
        return Publication(self.report.id, first, last, self.has_command)

    def entry(self, topics: Topics) -> Entry:
        events = [event.data for event in self.events]
        return publication_entry(topics, self.publication, self.report.kind, self.report.carrier, events)
