"""One attempt at a report: the order of its parts."""

import structlog

from report_worker.attempt.completion import Completion
from report_worker.attempt.context import AttemptContext, Interrupted
from report_worker.attempt.lease import Lease
from report_worker.attempt.outcome import slot_is_usable
from report_worker.attempt.spans import AttemptSpans
from report_worker.attempt.supervision import Supervision
from report_worker.intake import Claimed
from report_worker.slots import Slot, TemplateDied
from waybill.ledger import LeaseLost
from waybill.store import StoreUnavailable

log = structlog.get_logger(__name__)


class Attempt:
    """Runs one claimed report in one slot. `run` blocks until its end and raises nothing."""

    def __init__(self, context: AttemptContext, claimed: Claimed, slot: Slot) -> None:
        self._claimed = claimed
        self._report = claimed.report
        self._slot = slot
        self._lease = Lease(context, claimed.report)
        self._supervision = Supervision(context, claimed.report, self._lease, slot)
        self._completion = Completion(context, claimed, self._lease, self._supervision)

    def run(self) -> bool:
        """Whether the slot can take another job."""
        spans = AttemptSpans(self._claimed)
        usable = False
        try:
            usable = self._handle(spans)
        finally:
            if not usable:
                self._slot.stop()  # else it goes on to write into the directory that is removed now
            self._supervision.remove_files()
            spans.end()
        return usable

    def _handle(self, spans: AttemptSpans) -> bool:
        report_id = str(self._report.id)
        try:
            return self._produce(spans)
        except Interrupted:
            spans.interrupted()
            self._slot.stop()
            self._completion.release()
        except (LeaseLost, StoreUnavailable, TemplateDied) as error:
            spans.lost(error)
            log.warning(
                "attempt given up: recovery takes over the report", report_id=report_id, reason=str(error)
            )
        except Exception as error:
            spans.worker_failed(error)
            log.exception(
                "attempt failed with an unexpected worker error: recovery takes over the report",
                report_id=report_id,
            )
        return False

    def _produce(self, spans: AttemptSpans) -> bool:
        outcome, status = self._completion.complete(self._supervision.run(spans.carrier), spans)
        spans.ended(status)
        report = self._report
        log.info("attempt ended", report_id=str(report.id), attempt=report.attempt, status=status)
        return slot_is_usable(outcome) and not self._supervision.cancelling
