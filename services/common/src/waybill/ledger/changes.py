"""The unit of work: changes of reports in one transaction, each with its event and its messages."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import (
    End,
    NewReport,
    Origin,
    Report,
    Requeue,
    Status,
    lifecycle,
)
from waybill.ledger.errors import NotRedrivable
from waybill.ledger.recording import Recording
from waybill.ledger.turns import take_turns
from waybill.store import OutboxMessage
from waybill.store.statements import dead_letters, dispatch, kind_limits, reports, step_results, turns
from waybill.store.statements.admission import Limiting
from waybill.store.statements.dispatch import Dispatched
from waybill.topics import Topics

_MOST_PARKED = 5000


class Changes(Recording):
    """Changes of any number of reports that are committed together. Each method writes the row, and records
    it."""

    def __init__(
        self,
        connection: Connection,
        topics: Topics,
        requeue_after: timedelta,
        limiting: Limiting | None = None,
    ) -> None:
        """`Transactions.changes` makes it."""
        super().__init__(connection, topics, requeue_after, limiting)
        self.connection: Connection = connection

    # --- requested by a client

    def insert_external(self, new: NewReport) -> Report | None:
        """A report that a message has requested, which is its command; where turns are taken, it waits for
        one of its own. None where the message has done so before."""
        report = reports.insert_external(self.connection, new, self.requeue_after)
        self.note_turns(turns.is_limited(self.connection))
        return report and self.record(report, with_command=False)

    def cancel(self, report_id: UUID) -> Report | None:
        """Ends a report that waits, or asks the worker that has it. None where it has ended, or is being
        cancelled."""
        # Locked first: while its worker releases it, it is neither waiting nor held.
        reports.lock(self.connection, report_id)
        report = reports.cancel_waiting(self.connection, report_id)
        report = report or reports.request_cancel(self.connection, report_id)
        return report and self.record(report)

    def redrive(self, report_id: UUID, letter_id: UUID | None = None, *, from_start: bool = False) -> Report:
        """A failed or cancelled report restarts, in its old trace; its letters and that of `letter_id` no
        longer wait. It waits for room, at the place that its request had. `from_start`: no step reuses what
        an earlier attempt has stored. Raises `NotRedrivable`."""
        report = reports.redrive(self.connection, report_id)
        if report is None:
            raise NotRedrivable("Only a report that failed or was cancelled can be tried again.")
        dead_letters.mark_redriven(self.connection, report_id, letter_id)
        if from_start:
            step_results.remove(self.connection, [report_id])
        self.record(report, with_command=False)
        self.dispatch(1)
        self.note_turns(turns.is_limited(self.connection))
        return report

    # --- by recovery and relay, in any process

    def take_back(self, lost: Report, decision: Requeue | End) -> Report:
        """Takes a locked report from the attempt that lost it."""
        end = decision if isinstance(decision, End) else End(Status.INIT)
        report = reports.take_back(self.connection, lost, end.status, end.failure, self.requeue_after)
        origin = lost.attempt_trace.origin if lost.attempt_trace else Origin(self._topics.report, -1, -1)
        return self.record_end(report, end, origin, worker_lost=True)

    def dispatch_idle(self, limit: int) -> Sequence[Dispatched]:
        """As `dispatch`; but while a slot is free, old commands take no room. Where turns are to be taken,
        they are."""
        if turns.is_limited(self.connection):
            return self.dispatched(take_turns(self.connection, self.requeue_after, idle=True))
        sent, met_closed = dispatch.fill_idle(self.connection, limit, self.requeue_after)
        if met_closed and kind_limits.park(self.connection, _MOST_PARKED):
            # What is left of them is parked the next time: not all in one transaction.
            more, _ = dispatch.fill_idle(self.connection, limit, self.requeue_after)
            sent += more
        return self.dispatched(sent)

    def repeat_lost(self, limit: int) -> Sequence[Dispatched]:
        """Gives reports whose commands may be lost another one."""
        topic, losses = self._topics.report, lifecycle.MAX_SHARED_LOSSES
        return self.dispatched(
            dispatch.repeat_lost(self.connection, topic, limit, self.requeue_after, losses)
        )

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
            if report:
                self._changed_of(report)

    def remove(self, report_ids: Sequence[UUID]) -> None:
        """Removes locked reports with their events, and their last state from `report-status`."""
        reports.remove(self.connection, report_ids)
        self._messages += [
            OutboxMessage(self._topics.report_status, str(report_id), None) for report_id in report_ids
        ]
