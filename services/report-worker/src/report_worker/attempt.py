"""One attempt at a report: supervises a slot, and writes down what it says, until the report's end."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import stamina
import structlog
from opentelemetry import trace
from opentelemetry.semconv.attributes import exception_attributes
from opentelemetry.trace import Span
from waybill.artefacts import ArtefactStore, ArtefactStoreUnavailable
from waybill.domain import (
    Failure,
    Fence,
    LeasePolicy,
    Progress,
    Report,
    StepChange,
    StepStatus,
    StoredArtefact,
)
from waybill.errors import WaybillError
from waybill.kinds import Artefact, Kind, Registry
from waybill.ledger import LeaseLost, Ledger
from waybill.store import StoreUnavailable
from waybill.tracing import fail_span, interrupt_span, span_carrier, tracer

from report_worker.intake import Claimed
from report_worker.slots import Failed, FromSlot, Job, Produced, Slot, SlotDied, StepEnded, StepStarted

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

_LISTEN_SECONDS = 0.2


@dataclass(frozen=True)
class AttemptContext:
    """What every attempt of this worker shares. `interrupted` is set when it must stop at once."""

    ledger: Ledger
    kinds: Registry
    artefacts: ArtefactStore
    lease: LeasePolicy
    owner: str
    interrupted: threading.Event


class TimedOut(WaybillError):  # noqa: N818 - the name is the sentence
    """The attempt has taken longer than its kind allows."""


class Interrupted(WaybillError):  # noqa: N818 - the name is the sentence
    """The worker stops, and hands the report back."""


class Attempt:
    """Runs one claimed report in one slot. `run` blocks until its end and raises nothing."""

    def __init__(self, context: AttemptContext, claimed: Claimed, slot: Slot) -> None:
        self._context = context
        self._ledger = context.ledger
        self._report = claimed.report
        self._consumer_span = claimed.span
        self._fence = Fence(claimed.report.id, claimed.report.attempt, context.owner)
        self._slot = slot
        self._next_heartbeat = 0.0

    def run(self) -> bool:
        """Whether the slot can take another job."""
        span = tracer().start_span(
            "handle_report",
            context=trace.set_span_in_context(self._consumer_span),
            attributes={
                "report.id": str(self._report.id),
                "report.kind": self._report.kind,
                "report.attempt": self._report.attempt,
            },
        )
        directory = Path(tempfile.mkdtemp(prefix="waybill-"))
        try:
            return self._handle(span, directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            span.end()
            self._consumer_span.end()

    def _handle(self, span: Span, directory: Path) -> bool:
        try:
            kind = self._context.kinds[self._report.kind]
            outcome = self._supervise(kind, self._job(span, directory))
            ended = self._finish(outcome, span)
            span.set_attribute("report.status", ended.status)
            log.info("report ended", report_id=str(ended.id), status=ended.status, attempt=ended.attempt)
        except Interrupted:
            interrupt_span(span)
            self._slot.stop()
            self._hand_back()
            return False
        except (LeaseLost, StoreUnavailable) as error:  # the report is, or soon will be, somebody else's
            fail_span(span, "lease_lost", str(error))
            log.warning("attempt given up", report_id=str(self._report.id), reason=str(error))
            return False
        except Exception as error:
            log.exception("an attempt failed in the worker itself", report_id=str(self._report.id))
            span.record_exception(error)
            self._fail(span, Failure("internal", f"{type(error).__name__}: {error}"))
            return False
        return not isinstance(outcome, Failure)

    def _job(self, span: Span, directory: Path) -> Job:
        report = self._report
        carrier = span_carrier(span)
        return Job(report.id, report.attempt, report.kind, report.parameters, directory, carrier)

    # --- while the slot works

    def _supervise(self, kind: Kind, job: Job) -> Produced | Failed | Failure:
        """Writes down each step, until the slot's result, or until it can have none."""
        steps = kind.steps(kind.parameters.model_validate(job.parameters))
        progress = Progress(steps[0] if steps else "", 0, len(steps))
        deadline = time.monotonic() + kind.timeout.total_seconds()
        try:
            self._slot.start(job)
            while True:
                told = self._listen(deadline)
                if isinstance(told, Produced | Failed):
                    return told
                if told is not None:
                    change = _change(told)
                    progress = progress.after(change)
                    self._step(progress, change)
        except SlotDied as error:
            return Failure("slot_died", str(error), progress.step)
        except TimedOut:
            return Failure("timed_out", f"The report took longer than {kind.timeout}.", progress.step)

    def _listen(self, deadline: float) -> FromSlot | None:
        now = time.monotonic()
        if self._context.interrupted.is_set():
            raise Interrupted
        if now >= deadline:
            raise TimedOut
        if now >= self._next_heartbeat:
            self._persist(lambda: self._ledger.heartbeat(self._fence))
            self._next_heartbeat = now + self._context.lease.heartbeat.total_seconds()
        return self._slot.receive(_LISTEN_SECONDS)

    def _step(self, progress: Progress, change: StepChange) -> None:
        self._persist(lambda: self._ledger.step(self._fence, progress, change))

    # --- its end

    def _finish(self, outcome: Produced | Failed | Failure, span: Span) -> Report:
        if isinstance(outcome, Failure):
            return self._fail(span, outcome)
        if isinstance(outcome, Failed):
            if outcome.step is None:
                _record(span, outcome)
            return self._fail(span, Failure(_failure_type(outcome), _sentence(outcome), outcome.step))
        try:
            artefact = self._store(outcome)
        except ArtefactStoreUnavailable as error:
            return self._fail(span, Failure("artefact_store", str(error)))
        if outcome.failed_steps:
            first = outcome.failed_steps[0]
            return self._fail(
                span, Failure("step_failed", f"{first.name}: {first.error}", first.name), artefact
            )
        return self._persist(lambda: self._ledger.finish(self._fence, None, artefact))

    def _fail(self, span: Span, failure: Failure, artefact: StoredArtefact | None = None) -> Report:
        fail_span(span, failure.type, failure.message)
        return self._persist(lambda: self._ledger.finish(self._fence, failure, artefact))

    def _store(self, produced: Produced) -> StoredArtefact:
        artefact = Artefact(produced.path, produced.media_type, produced.filename)
        for retry in stamina.retry_context(on=ArtefactStoreUnavailable, attempts=4, wait_initial=0.2):
            with retry:
                return self._context.artefacts.put(self._report.id, self._report.attempt, artefact)
        raise AssertionError("unreachable: the last retry raises")

    def _hand_back(self) -> None:
        try:
            self._persist(lambda: self._ledger.hand_back(self._fence))
            log.info("report handed back", report_id=str(self._report.id), attempt=self._report.attempt)
        except (LeaseLost, StoreUnavailable) as error:
            log.warning("report not handed back", report_id=str(self._report.id), reason=str(error))

    def _persist(self, write: Callable[[], Result]) -> Result:
        """Tries for as long as the lease can last, in which a database restarts. After that the fence would
        refuse the write anyway."""
        limit = self._context.lease.time_to_live.total_seconds()
        for retry in stamina.retry_context(
            on=StoreUnavailable, attempts=None, timeout=limit, wait_initial=0.1, wait_max=2
        ):
            with retry:
                return write()
        raise AssertionError("unreachable: the last retry raises")


def _change(told: StepStarted | StepEnded) -> StepChange:
    if isinstance(told, StepStarted):
        return StepChange(told.name, StepStatus.RUNNING)
    status = StepStatus.FAILED if told.error is not None else StepStatus.DONE
    return StepChange(told.name, status, told.duration_ms, told.error)


def _failure_type(failed: Failed) -> str:
    if failed.step is not None:
        return "step_failed"
    return "permanent" if failed.permanent else "error"


def _sentence(failed: Failed) -> str:
    message = failed.message or failed.error_type
    return f"{failed.step}: {message}" if failed.step else message


def _record(span: Span, failed: Failed) -> None:
    """An exception that no step's span has recorded."""
    span.add_event(
        "exception",
        {
            exception_attributes.EXCEPTION_TYPE: failed.error_type,
            exception_attributes.EXCEPTION_MESSAGE: failed.message,
            exception_attributes.EXCEPTION_STACKTRACE: failed.traceback,
        },
    )
