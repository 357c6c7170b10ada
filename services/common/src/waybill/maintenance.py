"""Maintenance: what every process does for all reports from time to time, each task in its thread."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from waybill.artefacts import ArtefactStore
from waybill.domain import LeasePolicy
from waybill.ledger import Recovery, Retention
from waybill.periodic import PeriodicTask
from waybill.store import StoreUnavailable
from waybill.telemetry import end_lost_attempt, observe_outbox_age

log = structlog.get_logger(__name__)

_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class MaintenancePolicy:
    """How often. `recovery_grace`: how long past its end a lease is left to the other processes."""

    recovery_interval: timedelta = timedelta(seconds=1)
    retention_interval: timedelta = timedelta(minutes=1)
    recovery_grace: timedelta = timedelta(0)


class Maintenance:
    """Recovers lost attempts and requeues what is due; beside it, since that may take long, removes what has
    been kept long enough."""

    def __init__(
        self,
        recovery: Recovery,
        retention: Retention,
        artefacts: ArtefactStore,
        lease: LeasePolicy,
        policy: MaintenancePolicy,
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
        self._recovering = PeriodicTask("recovery", policy.recovery_interval, self.recover)
        self._removing = PeriodicTask("retention", policy.retention_interval, self.remove_old)
        observe_outbox_age(self._outbox_age)

    def start(self) -> None:
        self._recovering.start()
        self._removing.start()

    def stop(self) -> None:
        """Blocks until the batch that runs is done, for at most a few seconds."""
        deadline = time.monotonic() + _STOP_SECONDS
        self._recovering.request_stop()
        self._removing.request_stop()
        self._recovering.stop(deadline - time.monotonic())
        self._removing.stop(deadline - time.monotonic())

    def recover(self) -> None:
        """Everything that is due now. Raises `StoreUnavailable`."""
        while self._recovery.requeue_due():
            pass
        if self._clock() >= self._recover_from:
            self._recover_lost()

    def remove_old(self) -> None:
        """Everything that is old now. Raises `StoreUnavailable`, or `ArtefactStoreUnavailable` at a report
        whose files cannot be removed: the next time begins behind it."""
        while not self._removing.stopping and self._retention.remove_expired():
            pass
        while not self._removing.stopping:
            removed = self._retention.remove_reports(self._artefacts, self._removed_until)
            self._removed_until = removed.until
            if removed.error:
                raise removed.error
            if removed.until is None:
                return

    def _recover_lost(self) -> None:
        while recovered := self._recovery.recover_lost(self._policy.recovery_grace):
            for one in recovered:
                log.warning(
                    "lost attempt recovered",
                    report_id=str(one.now.id),
                    attempt=one.lost.attempt,
                    status=one.now.status,
                )
                if one.spans:
                    end_lost_attempt(one.spans, str(one.lost.id), one.lost.kind, one.lost.attempt)

    def _outbox_age(self) -> float | None:
        """In seconds; None while the database is away."""
        try:
            return self._recovery.backlog().age.total_seconds()
        except StoreUnavailable:
            return None
