"""One attempt at a report: the order of its parts."""

from collections.abc import Callable

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

    def __init__(
        self, context: AttemptContext, claimed: Claimed, slot: Slot, before_end: Callable[[], None]
    ) -> None:
        """`before_end` is called directly before the end is written, if the slot can take another job then,
        whatever becomes of that end."""
        self._before_end = before_end
        self._slot_is_usable = False
        self._claimed = claimed
        self._report = claimed.report
        self._slot = slot
        self._lease = Lease(context, claimed.report)
        self._supervision = Supervision(context, claimed.report, self._lease, slot)
        self._completion = Completion(context, claimed, self._lease, self._supervision)

    def run(self) -> None:
        """Where the slot cannot take another job, it is stopped."""
        spans = AttemptSpans(self._claimed)
        try:
            self._handle(spans)
        finally:
            if not self._slot_is_usable:
                self._slot.stop()  # else it goes on to write into the directory that is removed now
            self._supervision.remove_files()
            spans.end()

    def _handle(self, spans: AttemptSpans) -> None:
        report_id = str(self._report.id)
        try:
            self._produce(spans)
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

    def _produce(self, spans: AttemptSpans) -> None:
        ended = self._supervision.run(spans.carrier)
        self._slot.end_output()
        outcome, artefacts = self._completion.store(ended)
        end = self._completion.end(outcome, artefacts, spans)
        self._slot_is_usable = slot_is_usable(outcome) and not self._supervision.cancelling
        if self._slot_is_usable:
            self._before_end()
        status = self._completion.write(end, spans)
        spans.ended(status)
        report = self._report
        log.info("attempt ended", report_id=str(report.id), attempt=report.attempt, status=status)
