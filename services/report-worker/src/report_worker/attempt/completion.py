"""Completion: stores the artefact, and writes down what the attempt leaves the report as."""

import time
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import BinaryIO, TypeAlias

import stamina
import structlog

from report_worker.attempt.context import AttemptContext
from report_worker.attempt.lease import Lease
from report_worker.attempt.outcome import Outcome, SlotFailure, UnsupportedKind, failed_with, failure_of
from report_worker.attempt.spans import AttemptSpans
from report_worker.attempt.supervision import Supervision
from report_worker.intake import Claimed
from report_worker.slots import Cancelled, Failed, Produced
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
from waybill.kinds import Artefact

log = structlog.get_logger(__name__)

_LISTEN_SECONDS = 0.2

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

    def store(self, outcome: Outcome) -> tuple[Outcome, StoredArtefact | None]:
        """Keeps the artefact, if there is one. The outcome is another where that failed. Raises
        `Interrupted`, `LeaseLost`, `StoreUnavailable`."""
        if not isinstance(outcome, Produced):
            return outcome, None
        kept = self._store(outcome)
        return (outcome, kept) if isinstance(kept, StoredArtefact) else (kept, None)

    def end(self, outcome: Outcome, artefact: StoredArtefact | None, spans: AttemptSpans) -> EndWrite:
        """What writes down what the attempt leaves the report as, and the steps before it."""
        return self._change(self._decide(outcome, spans), artefact)

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

    def _change(self, decision: Retry | Requeue | End, artefact: StoredArtefact | None = None) -> EndWrite:
        ledger, fence, origin = self._ledger, self._lease.fence, self._claimed.origin
        steps = self._supervision.take_unwritten()
        match decision:
            case Retry():
                return lambda: ledger.retry(fence, decision, steps)
            case Requeue():
                return lambda: ledger.release(fence, steps)
            case End():
                return lambda: ledger.finish(fence, decision, artefact, origin, steps)

    def _store(self, produced: Produced) -> StoredArtefact | Cancelled | SlotFailure | Failed:
        try:
            artefact = Artefact(produced.path, produced.media_type, produced.filename)
            file = self._supervision.open_file(produced.path)
        except PermanentError as error:
            return replace(failed_with(error), left_over=produced.left_over)
        with file:
            return self._keep(artefact, file)

    def _keep(self, artefact: Artefact, file: BinaryIO) -> StoredArtefact | Cancelled | SlotFailure:
        """The lease lasts meanwhile. A store that does not answer is given up, with the thread that waits."""
        left = self._supervision.deadline - time.monotonic()
        limit = max(left, self._context.min_store_time.total_seconds())
        deadline = time.monotonic() + limit
        stored = in_background(lambda: self._put(artefact, file))
        while not wait([stored], _LISTEN_SECONDS).done:
            self._supervision.write_steps()
            self._lease.renew_if_due()
            if self._supervision.cancel_wanted:
                return Cancelled()
            if time.monotonic() >= deadline:
                message = f"Storing the artefact took longer than {timedelta(seconds=round(limit))}."
                return SlotFailure(Failure(FailureType.ARTEFACT_STORE, message))
        try:
            return stored.result()
        except ArtefactStoreUnavailable as error:
            return SlotFailure(Failure(FailureType.ARTEFACT_STORE, str(error)))

    def _put(self, artefact: Artefact, file: BinaryIO) -> StoredArtefact:
        report = self._report
        put = partial(
            self._context.artefacts.put, report.owner.tenant, report.id, report.attempt, artefact, file
        )
        try:
            return put()
        except ArtefactStoreUnavailable:
            return stamina.RetryingCaller(attempts=2, wait_initial=0.2)(ArtefactStoreUnavailable, put)
