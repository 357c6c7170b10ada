"""Completion: stores the artefacts, and writes down what the attempt leaves the report as."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import BinaryIO, TypeAlias

import structlog

from report_worker.attempt.context import AttemptContext
from report_worker.attempt.lease import Lease
from report_worker.attempt.outcome import Outcome, SlotFailure, UnsupportedKind, failed_with, failure_of
from report_worker.attempt.spans import AttemptSpans
from report_worker.attempt.supervision import Supervision
from report_worker.attempt.waiting import CancelWanted, TookTooLong, tried_twice
from report_worker.intake import Claimed
from report_worker.slots import Cancelled, Failed, Produced, ProducedFile
from waybill.artefacts import ArtefactStoreUnavailable
from waybill.background import in_background
from waybill.domain import (
    End,
    Failure,
    FailureType,
    Report,
    Requeue,
    Retry,
    Status,
    StoredArtefact,
    lifecycle,
)
from waybill.errors import PermanentError
from waybill.kinds import Artefact, check_together
from waybill.store import StoreUnavailable

log = structlog.get_logger(__name__)

EndWrite: TypeAlias = Callable[[], Report]


class Completion:
    """The end of one attempt."""

    def __init__(
        self, context: AttemptContext, claimed: Claimed, lease: Lease, supervision: Supervision
    ) -> None:
        self._context = context
        self._ledger = context.ledger
        self._claimed = claimed
        self._report: Report = claimed.report
        self._lease = lease
        self._supervision = supervision

    def store(self, outcome: Outcome) -> tuple[Outcome, Sequence[StoredArtefact]]:
        """Keeps the artefacts, if there are any: all of them, or the outcome is another. Raises
        `Interrupted`, `LeaseLost`, `StoreUnavailable`."""
        if not isinstance(outcome, Produced):
            return outcome, ()
        kept = self._store(outcome)
        if not isinstance(kept, tuple):
            return kept, ()
        self._keep_previews(outcome)
        return outcome, kept

    def end(self, outcome: Outcome, artefacts: Sequence[StoredArtefact], spans: AttemptSpans) -> EndWrite:
        """What writes down what the attempt leaves the report as, and the steps before it."""
        return self._change(self._decide(outcome, spans), artefacts)

    def write(self, end: EndWrite, spans: AttemptSpans) -> Status:
        """The status that the report has then. Raises `LeaseLost`, `StoreUnavailable`."""
        status = self._lease.write_end(end)
        if status is Status.CANCELLED:  # also where it failed after the cancel: the ledger decides
            spans.cancelled()
        return status

    def release(self) -> None:
        """For an attempt that was interrupted. While the database is away, it blocks for as long as the lease
        can last."""
        report = self._report
        try:
            self._lease.write(self._change(lifecycle.after_interruption()))
            log.info("report released", report_id=str(report.id), attempt=report.attempt)
        except Exception as error:
            log.warning(
                "report not released: recovery takes it over when its lease expires",
                report_id=str(report.id),
                reason=str(error),
            )

    def _decide(self, outcome: Outcome, spans: AttemptSpans) -> Retry | End:
        if isinstance(outcome, Cancelled):
            return lifecycle.after_cancellation()
        retry, random = self._context.retry, self._context.random
        if isinstance(outcome, UnsupportedKind):
            spans.failed(outcome.failure, outcome)
            return lifecycle.after_unsupported_kind(self._report, outcome.failure, retry, random)
        failed = failure_of(outcome)
        if failed is None:
            return lifecycle.after_success()
        spans.failed(failed.failure, outcome)
        max_attempts = self._supervision.max_attempts
        return lifecycle.after_failure(self._report, failed, max_attempts, retry, random)

    def _change(self, decision: Retry | Requeue | End, artefacts: Sequence[StoredArtefact] = ()) -> EndWrite:
        ledger, fence, origin = self._ledger, self._lease.fence, self._claimed.origin
        steps = self._supervision.take_unwritten()
        match decision:
            case Retry():
                return lambda: ledger.retry(fence, decision, steps)
            case Requeue():
                return lambda: ledger.release(fence, steps)
            case End():
                has_results = self._supervision.results.are_stored
                return lambda: ledger.finish(
                    fence, decision, artefacts, origin, steps, has_step_results=has_results
                )

    def _store(self, produced: Produced) -> tuple[StoredArtefact, ...] | Cancelled | SlotFailure | Failed:
        """One after the other, once all of them could be opened."""
        with ExitStack() as files:
            try:
                opened = [self._open(one, files) for one in produced.files]
                check_together([artefact for artefact, _ in opened])
            except PermanentError as error:
                return replace(failed_with(error), left_over=produced.left_over)
            storing = _Storing(self._supervision.deadline, self._context.min_store_time)
            stored: list[StoredArtefact] = []
            for artefact, file in opened:
                ended = self._look(storing) if stored else None
                kept = ended or self._keep(artefact, file, storing)
                if not isinstance(kept, StoredArtefact):
                    return kept
                stored.append(kept)
        return tuple(stored)

    def _keep_previews(self, produced: Produced) -> None:
        """No report fails for the want of one."""
        found = {one.filename: one.preview for one in produced.files if one.preview is not None}
        if not found or self._context.previews is None:
            return
        try:
            self._context.previews.keep(self._report.id, self._report.attempt, found)
        except StoreUnavailable as error:
            log.warning("previews not kept", report_id=str(self._report.id), reason=str(error))

    def _open(self, produced: ProducedFile, files: ExitStack) -> tuple[Artefact, BinaryIO]:
        """Raises `PermanentError`."""
        artefact = Artefact(produced.path, produced.media_type, produced.filename, produced.output)
        return artefact, files.enter_context(self._supervision.open_file(produced.path))

    def _keep(
        self, artefact: Artefact, file: BinaryIO, storing: "_Storing"
    ) -> StoredArtefact | Cancelled | SlotFailure:
        stored = in_background(lambda: self._put(artefact, file))
        try:
            return self._supervision.waiting.until(storing.end, stored)
        except CancelWanted:
            return Cancelled()
        except TookTooLong:
            return storing.failure()
        except ArtefactStoreUnavailable as error:
            return SlotFailure(Failure(FailureType.ARTEFACT_STORE, str(error)))

    def _look(self, storing: "_Storing") -> Cancelled | SlotFailure | None:
        """Whether the attempt ends here."""
        self._supervision.write_steps()
        self._lease.renew_if_due()
        if self._supervision.cancel_wanted:
            return Cancelled()
        return storing.failure() if storing.is_late else None

    def _put(self, artefact: Artefact, file: BinaryIO) -> StoredArtefact:
        report = self._report
        put = partial(
            self._context.artefacts.put, report.owner.tenant, report.id, report.attempt, artefact, file
        )
        return tried_twice(put)


class _Storing:
    """The time that all artefacts of an attempt have together."""

    def __init__(self, deadline: float, least: timedelta) -> None:
        """What is left until the attempt's `deadline`, on the monotonic clock, but the `least` at least."""
        now = time.monotonic()
        self._limit = max(deadline - now, least.total_seconds())
        self.end = now + self._limit

    @property
    def is_late(self) -> bool:
        return time.monotonic() >= self.end

    def failure(self) -> SlotFailure:
        """Of an attempt that has used it up."""
        message = f"Storing the artefacts took longer than {timedelta(seconds=round(self._limit))}."
        return SlotFailure(Failure(FailureType.ARTEFACT_STORE, message))
