"""Maintenance: what one process at a time does for all reports from time to time, each task in its thread."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from waybill.artefacts import ArtefactStore
from waybill.domain import LeasePolicy
from waybill.ledger import Recovery, Retention
from waybill.periodic import PeriodicTask
from waybill.store import StoreUnavailable, TaskLease
from waybill.telemetry import end_lost_attempt, observe_outbox_age, observe_waiting_reports

log = structlog.get_logger(__name__)

_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class MaintenancePolicy:
    """How often. `recovery_grace`: how long past its end a lease is left to processes that have none, and
    recovery with it while there is one."""

    recovery_interval: timedelta = timedelta(seconds=1)
    retention_interval: timedelta = timedelta(minutes=1)
    recovery_grace: timedelta = timedelta(0)

    @property
    def recovery_lease(self) -> timedelta:
        """How long a process that no longer renews it keeps the task from the others."""
        return 3 * self.recovery_interval

    @property
    def retention_lease(self) -> timedelta:
        """As `recovery_lease`. It takes up to a batch of files that a slow artefact store removes."""
        return 3 * self.retention_interval


LeaseOfTask = Callable[[str, timedelta], TaskLease]
"""Makes this process's view of the lease of a task, by its name and its length."""


class Maintenance:
    """Recovers lost attempts, and sees to it that reports which wait get commands; beside it, since that may
    take long, removes what has been kept long enough. Of all processes, one does each task, and another takes
    over soon after it has died or hangs."""

    def __init__(
        self,
        recovery: Recovery,
        retention: Retention,
        artefacts: ArtefactStore,
        lease: LeasePolicy,
        policy: MaintenancePolicy,
        lease_of_task: LeaseOfTask,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recovery = recovery
        self._retention = retention
        self._artefacts = artefacts
        self._policy = policy
        self._clock = clock
        # What has kept this process from starting may have kept the workers from their heartbeats.
        self._recover_from = clock() + lease.time_to_live.total_seconds()
        self._removed_until: datetime | None = None
        self._results_removed_until: datetime | None = None
        self._recovery_lease = lease_of_task("recovery", policy.recovery_lease)
        self._retention_lease = lease_of_task("retention", policy.retention_lease)
        self._recovering = PeriodicTask("recovery", policy.recovery_interval, self.recover)
        self._removing = PeriodicTask("retention", policy.retention_interval, self.remove_old)
        observe_outbox_age(self._outbox_age)
        observe_waiting_reports(self._waiting_reports)

    def start(self) -> None:
        self._recovering.start()
        self._removing.start()

    def stop(self) -> None:
        """Blocks until the batch that runs is done, for at most a few seconds; then another process may go
        on."""
        deadline = time.monotonic() + _STOP_SECONDS
        self._recovering.request_stop()
        self._removing.request_stop()
        self._recovering.stop(deadline - time.monotonic())
        self._removing.stop(deadline - time.monotonic())
        for lease in (self._recovery_lease, self._retention_lease):
            with suppress(StoreUnavailable):  # then it runs out
                lease.release()

    def recover(self) -> None:
        """Everything that is due now, where this process is to do it. Raises `StoreUnavailable`."""
        grace = self._policy.recovery_grace
        if not self._may_recover() or not self._recovery.is_due(grace):
            return
        while self._may_recover() and self._recovery.requeue_due():
            pass
        while self._clock() >= self._recover_from and self._may_recover():
            if not self._recover_lost(grace):
                return

    def remove_old(self) -> None:
        """Everything that is old now, where this process is to do it. Raises `StoreUnavailable`, or
        `ArtefactStoreUnavailable` at a report whose files cannot be removed: next time, it begins behind
        it."""
        while self._may_remove() and self._retention.remove_expired():
            pass
        while self._may_remove():
            removed = self._retention.remove_reports(self._artefacts, self._removed_until)
            self._removed_until = removed.until
            if removed.error:
                raise removed.error
            if removed.until is None:
                break
        while self._may_remove() and self._retention.remove_audit():
            pass
        self._remove_step_results()

    def _remove_step_results(self) -> None:
        """As all of `remove_old`."""
        while self._may_remove():
            removed = self._retention.remove_step_results(self._artefacts, self._results_removed_until)
            self._results_removed_until = removed.until
            if removed.error:
                raise removed.error
            if removed.until is None:
                break

    def _may_recover(self) -> bool:
        """The lease goes to the process that would recover a lost attempt first: one without a grace, which
        did not just start."""
        rank = int(self._policy.recovery_grace > timedelta(0)) + 2 * int(self._clock() < self._recover_from)
        return not self._recovering.stopping and self._recovery_lease.hold(rank)

    def _may_remove(self) -> bool:
        return not self._removing.stopping and self._retention_lease.hold()

    def _recover_lost(self, grace: timedelta) -> int:
        """A batch of them; how many."""
        recovered = self._recovery.recover_lost(grace)
        for one in recovered:
            log.warning(
                "lost attempt recovered",
                report_id=str(one.now.id),
                attempt=one.lost.attempt,
                status=one.now.status,
            )
            if one.spans:
                end_lost_attempt(one.spans, str(one.lost.id), one.lost.kind, one.lost.attempt)
        return len(recovered)

    def _outbox_age(self) -> float | None:
        """In seconds; None while the database is away."""
        try:
            return self._recovery.backlog().age.total_seconds()
        except StoreUnavailable:
            return None

    def _waiting_reports(self) -> int | None:
        """In the process that does recovery; None in the others, and while the database is away."""
        if not self._recovery_lease.was_held:
            return None
        try:
            return self._recovery.waiting()
        except StoreUnavailable:
            return None
