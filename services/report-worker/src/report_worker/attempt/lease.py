"""The attempt's lease: its heartbeats, and writes that are repeated for as long as it can last."""

import time
from collections.abc import Callable
from typing import TypeVar

import stamina

from report_worker.attempt.context import AttemptContext, Interrupted
from waybill.domain import Fence, Report, Status
from waybill.ledger import LeaseLost
from waybill.store import StoreUnavailable

Result = TypeVar("Result")

_LOOK_SECONDS = 1


class Lease:
    """One attempt's hold on its report. One thread uses it."""

    def __init__(self, context: AttemptContext, report: Report) -> None:
        self._context = context
        self._ledger = context.ledger
        self._report = report
        self.fence = Fence(report.id, report.attempt, context.owner)
        self._schedule()

    def renew_if_due(self) -> None:
        """To be called often. Raises `Interrupted` where the worker stops."""
        if self._context.interrupted.is_set():
            raise Interrupted
        if time.monotonic() >= self._next_heartbeat:
            self.write(lambda: self._ledger.heartbeat(self.fence))
            self._schedule()

    def write(self, write: Callable[[], Result]) -> Result:
        """Tries for as long as the lease can last, in which a database restarts. After that the fence would
        refuse the write anyway. Raises `LeaseLost`, `StoreUnavailable`."""
        try:
            return write()
        except StoreUnavailable:  # else nothing is to be repeated, and setting that up costs every report
            limit = self._context.lease.time_to_live.total_seconds()
            retrying = stamina.RetryingCaller(attempts=None, timeout=limit, wait_initial=0.1, wait_max=2)
            return retrying(StoreUnavailable, write)

    def write_end(self, write: Callable[[], Report]) -> Status:
        """The status that `write` leaves the report in, or that an earlier try left it in whose answer was
        lost."""
        try:
            return self.write(write).status
        except (LeaseLost, StoreUnavailable):
            written = self._written_end()
            if written is None:
                raise
            return written

    def _schedule(self) -> None:
        self._next_heartbeat = time.monotonic() + self._context.lease.heartbeat.total_seconds()

    def _written_end(self) -> Status | None:
        """The status in which this attempt has left the report; None where it was lost, or that is unknown.

        Recovery counts a loss where it ends an attempt. A redrive resets the losses: where one was faster
        than this look, the count may mislead, and then the spans are ended twice, or not at all.
        """
        before, now = self._report, self._look()
        if now is None or now.losses != before.losses:
            return None
        if now.attempt > before.attempt:  # it waited, and has been claimed again
            return Status.INIT
        return None if now.status is Status.PROCESSING else now.status

    def _look(self) -> Report | None:
        """The report, as soon as the database answers. None where it has none, or the worker stops first."""
        while True:
            try:
                return self._ledger.get(self._report.id)
            except StoreUnavailable:
                if self._context.interrupted.wait(_LOOK_SECONDS):
                    return None
