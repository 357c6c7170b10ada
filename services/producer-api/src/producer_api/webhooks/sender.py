"""Calls the webhooks that are due: of all API processes one does, with a bounded number of calls at once."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from waybill.background import in_background
from waybill.domain import DeliveryPolicy, DeliveryStatus, DueDelivery, TryOutcome
from waybill.ledger import Webhooks
from waybill.periodic import PeriodicTask
from waybill.store import StoreUnavailable, TaskLease
from waybill.telemetry import count_try

log = structlog.get_logger(__name__)

_STOP_SECONDS = 5.0


class WebhookSender:
    """Each try is made in a thread of its own, so that a receiver that is slow delays no other: there are as
    many as the policy has places, and fewer for each host.

    A try whose process ends is made again, by any process: receivers may get a call more than once.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        lease: TaskLease,
        policy: DeliveryPolicy,
        interval: timedelta,
        call: Callable[[DueDelivery], TryOutcome],
    ) -> None:
        """`interval`: between two looks at what is due."""
        self._webhooks = webhooks
        self._lease = lease
        self._policy = policy
        self._call = call
        self._busy: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._sending = PeriodicTask("webhooks", interval, self.send_due)

    def start(self) -> None:
        self._sending.start()

    def stop(self) -> None:
        """Blocks until the calls that are under way have ended, for at most a few seconds."""
        deadline = time.monotonic() + _STOP_SECONDS
        self._sending.stop(_STOP_SECONDS)
        self.wait_until_idle(deadline - time.monotonic())
        with suppress(StoreUnavailable):  # then it runs out
            self._lease.release()

    def send_due(self) -> None:
        """Begins calls for all that is due now and for which there is a place, where this process is to do
        it. Raises `StoreUnavailable`."""
        if self._sending.stopping or not self._lease.hold():
            return
        with self._changed:
            busy = dict(self._busy)
        free = self._policy.places - sum(busy.values())
        if free > 0:
            for due in self._webhooks.claim(self._policy, free, busy):
                self._begin(due)

    def wait_until_idle(self, seconds: float) -> bool:
        """Blocks until the calls that are under way have ended, and their outcomes are written; False where
        they have not after `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, max(0.0, seconds))

    def _begin(self, due: DueDelivery) -> None:
        with self._changed:
            self._busy[due.host] += 1
        try:
            in_background(lambda: self._try(due))
        except RuntimeError as error:
            self._ends(due)
            log.warning(
                "no thread for a webhook: trying again",
                report_id=str(due.report.id),
                seconds=self._policy.claim.total_seconds(),
                reason=str(error),
            )

    def _try(self, due: DueDelivery) -> None:
        try:
            outcome = self._outcome(due)
            self._note(due, outcome, self._webhooks.ended(self._policy, due, outcome))
        except StoreUnavailable as error:
            log.warning(
                "outcome of a webhook not written: it is called again",
                report_id=str(due.report.id),
                reason=str(error),
            )
        except Exception:
            log.exception("outcome of a webhook not written", report_id=str(due.report.id))
        finally:
            self._ends(due)
            self._sending.soon()

    def _outcome(self, due: DueDelivery) -> TryOutcome:
        """A fault of ours counts as a try in vain: else there would be no end of them."""
        try:
            return self._call(due)
        except Exception:
            log.exception("webhook not called", report_id=str(due.report.id))
            return TryOutcome(None, "It could not be called: the log of the service has the reason.")

    def _ends(self, due: DueDelivery) -> None:
        with self._changed:
            self._busy[due.host] -= 1
            self._busy += Counter()  # without those that have none
            self._changed.notify_all()

    def _note(self, due: DueDelivery, outcome: TryOutcome, status: DeliveryStatus) -> None:
        count_try(status)
        if status is DeliveryStatus.DELIVERED:
            return
        log.warning(
            "webhook given up" if status is DeliveryStatus.GIVEN_UP else "webhook failed: trying again later",
            report_id=str(due.report.id),
            host=due.host,
            attempt=due.attempt,
            status=outcome.status,
            reason=outcome.error,
        )
