"""The upkeeper: two threads in every process that do the ledger's upkeep from time to time."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from waybill.artefacts import ArtefactStore
from waybill.domain import LeasePolicy
from waybill.errors import RetryableError
from waybill.ledger import Upkeep
from waybill.store import StoreUnavailable
from waybill.tracing import end_lost_attempt

log = structlog.get_logger(__name__)

_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class UpkeepPolicy:
    """How often. `reap_grace`: for how long past its end a lease is left to the other processes."""

    every: timedelta = timedelta(seconds=1)
    purge_every: timedelta = timedelta(minutes=1)
    reap_grace: timedelta = timedelta(0)


class Upkeeper:
    """Reaps lost attempts and enqueues what is due; and beside it, since that may take long, removes what is
    old."""

    def __init__(
        self,
        upkeep: Upkeep,
        artefacts: ArtefactStore,
        lease: LeasePolicy,
        policy: UpkeepPolicy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upkeep = upkeep
        self._artefacts = artefacts
        self._policy = policy
        self._clock = clock
        # Whatever has kept this process from starting may have kept the workers from their heartbeats.
        self._reap_from = clock() + lease.time_to_live.total_seconds()
        self._purged_until: datetime | None = None
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=task, name=name, daemon=True)
            for name, task in {
                "upkeep": (self.turn, policy.every),
                "retention": (self.purge, policy.purge_every),
            }.items()
        ]
        _observe_backlog(upkeep)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Blocks until the batch that runs is done, for at most a few seconds."""
        self._stopping.set()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def turn(self) -> None:
        """Everything that is due now. Raises `StoreUnavailable`."""
        while self._upkeep.enqueue():
            pass
        if self._clock() >= self._reap_from:
            self._reap()

    def purge(self) -> None:
        """Everything that is old now. Raises `StoreUnavailable`, or `ArtefactStoreUnavailable` at a report
        whose files cannot be removed: the next time begins behind it."""
        while not self._stopping.is_set() and self._upkeep.forget():
            pass
        while not self._stopping.is_set():
            purged = self._upkeep.purge(self._artefacts, self._purged_until)
            self._purged_until = purged.until
            if purged.error:
                raise purged.error
            if purged.until is None:
                return

    def _reap(self) -> None:
        while reaped := self._upkeep.reap(self._policy.reap_grace):
            for one in reaped:
                log.warning(
                    "a lost attempt's report was taken back",
                    report_id=str(one.now.id),
                    attempt=one.lost.attempt,
                    status=one.now.status,
                )
                if one.spans:
                    end_lost_attempt(one.spans, str(one.lost.id), one.lost.attempt)

    def _repeat(self, task: Callable[[], None], every: timedelta) -> None:
        while not self._stopping.wait(every.total_seconds()):
            try:
                task()
            except RetryableError as error:
                log.warning("upkeep waits", reason=str(error))
            except Exception:
                log.exception("upkeep failed; it tries again")


def _observe_backlog(upkeep: Upkeep) -> None:
    """The outbox's length and age, asked for whenever the metrics are read."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        try:
            backlog = upkeep.backlog()
        except StoreUnavailable:
            return
        yield Observation(backlog.age.total_seconds())

    metrics.get_meter("waybill").create_observable_gauge(
        "waybill.outbox.age",
        callbacks=[observe],
        unit="s",
        description="For how long the oldest message has waited to be published.",
    )
