"""One attempt at a report: supervises a slot, and writes down what it says, until the attempt's end."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

import stamina
import structlog
from opentelemetry import trace
from opentelemetry.semconv.attributes import exception_attributes
from opentelemetry.trace import Link, Span
from pydantic import ValidationError

from report_worker.cancellations import Cancellations
from report_worker.ending import Broken, LastWord, RetryLater, Unsuited, decide, failure_of
from report_worker.intake import Claimed
from report_worker.slots import (
    Cancelled,
    Failed,
    FromSlot,
    Job,
    Produced,
    Slot,
    SlotDied,
    StepEnded,
    StepStarted,
)
from report_worker.slots.texts import message_of, stack_of
from waybill.artefacts import ArtefactStore, ArtefactStoreUnavailable
from waybill.domain import (
    AttemptTrace,
    Carrier,
    Failure,
    Fence,
    LeasePolicy,
    Progress,
    Report,
    RetryPolicy,
    Status,
    StepChange,
    StepStatus,
    StoredArtefact,
)
from waybill.errors import WaybillError
from waybill.kinds import Artefact, Kind, Registry, UnknownKind
from waybill.ledger import LeaseLost, Ledger
from waybill.ledger.dead_letters import report_letter
from waybill.store import StoreUnavailable
from waybill.tracing import context_of, fail_span, interrupt_span, span_carrier, tracer

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

_LISTEN_SECONDS = 0.2
_LOOK_SECONDS = 1


@dataclass(frozen=True)
class AttemptContext:
    """What every attempt of this worker shares. Jobs have their files under `scratch`; `interrupted` is set
    when all must stop at once. `least_to_store` is the time that an artefact has even where its job has used
    up the attempt's."""

    ledger: Ledger
    kinds: Registry
    artefacts: ArtefactStore
    lease: LeasePolicy
    retry: RetryPolicy
    cancel_grace: timedelta
    owner: str
    cancellations: Cancellations
    scratch: Path
    interrupted: threading.Event
    least_to_store: timedelta = timedelta(minutes=2)
    random: Random = field(default_factory=Random)


class Interrupted(WaybillError):  # noqa: N818 - the name is the sentence
    """The worker stops, and hands the report back."""


class Attempt:
    """Runs one claimed report in one slot. `run` blocks until its end and raises nothing."""

    def __init__(self, context: AttemptContext, claimed: Claimed, slot: Slot) -> None:
        self._context = context
        self._ledger = context.ledger
        self._claimed = claimed
        self._report = claimed.report
        self._fence = Fence(claimed.report.id, claimed.report.attempt, context.owner)
        self._slot = slot
        self._next_heartbeat = 0.0
        self._deadline = 0.0
        self._cancel_by: float | None = None
        self._max_attempts = Kind.max_attempts
        self._spans_written_down = False
        self._lost = False
        self._directory: Path | None = None

    def run(self) -> bool:
        """Whether the slot can take another job."""
        started_at = time.time_ns()
        span = self._span(started_at)
        usable = False
        try:
            usable = self._handle(span, started_at)
        finally:
            if not usable:
                self._slot.stop()  # else it goes on to write into the directory that is removed now
            if self._directory:
                shutil.rmtree(self._directory, ignore_errors=True)
            if not (self._lost and self._spans_written_down):  # else whoever reaps the report ends them
                span.end()
                self._claimed.span.end()
        return usable

    def _handle(self, span: Span, started_at: int) -> bool:
        report = self._report
        try:
            self._first_heartbeat(span, started_at)
            word = self._work(span_carrier(span))
            ended = self._settle(word, span)
        except Interrupted:
            interrupt_span(span)
            self._slot.stop()
            self._hand_back()
            return False
        except (LeaseLost, StoreUnavailable) as error:  # the report is, or soon will be, somebody else's
            self._lost = True
            fail_span(span, "lease_lost", str(error))
            log.warning("attempt given up", report_id=str(report.id), reason=str(error))
            return False
        except Exception as error:  # the reaper will take the report back
            self._lost = True
            span.record_exception(error)
            fail_span(span, type(error).__qualname__, str(error))
            log.exception("an attempt failed in the worker itself", report_id=str(report.id))
            return False
        span.set_attribute("report.status", ended)
        log.info("attempt ended", report_id=str(report.id), attempt=report.attempt, status=ended)
        return not isinstance(word, Broken) and self._cancel_by is None and not _has_spent_its_slot(word)

    def _span(self, started_at: int) -> Span:
        """handle_report, with a link to the attempt before it."""
        report = self._report
        before = report.attempt_trace
        number = before.attempt if before and before.attempt else report.attempt - 1
        previous = trace.get_current_span(context_of(before.handle_report if before else None))
        linked = previous.get_span_context()
        return tracer().start_span(
            "handle_report",
            context=trace.set_span_in_context(self._claimed.span),
            attributes={
                "report.id": str(report.id),
                "report.kind": report.kind,
                "report.attempt": report.attempt,
            },
            links=[Link(linked, {"report.attempt": number})] if linked.is_valid else [],
            start_time=started_at,
        )

    def _first_heartbeat(self, span: Span, started_at: int) -> None:
        """Also puts down the spans that this attempt will end, before any step can have them as a parent."""
        consumer, handle = span_carrier(self._claimed.span), span_carrier(span)
        known = None
        if consumer and handle:
            known = AttemptTrace(
                origin=self._claimed.origin,
                parent=self._claimed.parent,
                report_consumer=consumer,
                report_consumer_start=self._claimed.started_at,
                queue_time_ms=self._claimed.queue_time_ms,
                handle_report=handle,
                handle_report_start=started_at,
                attempt=self._report.attempt,
            )
        self._persist(lambda: self._ledger.heartbeat(self._fence, known))
        self._spans_written_down = known is not None
        self._next_heartbeat = time.monotonic() + self._context.lease.heartbeat.total_seconds()

    # --- while the slot works

    def _work(self, carrier: Carrier | None) -> LastWord:
        report = self._report
        try:
            kind = self._context.kinds[report.kind]
            self._max_attempts = kind.max_attempts
            steps = kind.steps(kind.parameters.model_validate(report.parameters))
        except Exception as error:
            if _is_of_another_version(error):
                failure = Failure(
                    "unsuited", f"This version of the worker cannot run it: {message_of(error)}"
                )
                return Unsuited(failure)
            return Failed(
                type(error).__qualname__, message_of(error), stack_of(error), permanent=True, step=None
            )
        try:
            self._directory = Path(tempfile.mkdtemp(dir=self._context.scratch))
        except OSError as error:
            return Broken(Failure("no_directory", f"The worker has no room for the job's files: {error}"))
        job = Job(report.id, report.attempt, report.kind, report.parameters, self._directory, carrier)
        return self._supervise(kind, steps, job)

    def _supervise(self, kind: Kind, steps: Sequence[str], job: Job) -> LastWord:
        """Writes down each step, until the slot's last word, or until there can be none."""
        progress = Progress(steps[0] if steps else "", 0, len(steps))
        timeout = min(kind.timeout, self._report.timeout or kind.timeout)
        self._deadline = time.monotonic() + timeout.total_seconds()
        try:
            self._slot.start(job)
            while time.monotonic() < self._deadline:
                told = self._listen()
                if isinstance(told, Produced | Failed | Cancelled):
                    return told
                if told is not None:
                    change = _change(told)
                    progress = progress.after(change)
                    self._step(progress, change)
                if self._cancel_by is not None and time.monotonic() >= self._cancel_by:
                    self._slot.stop()
                    return Cancelled()
        except SlotDied as error:
            return Broken(Failure("slot_died", str(error), progress.step))
        self._slot.stop()
        return Broken(Failure("timed_out", f"The attempt took longer than {timeout}.", progress.step))

    def _listen(self) -> FromSlot | None:
        self._stay_alive()
        if self._cancel_by is None and self._cancel_wanted():
            self._slot.cancel()
            self._cancel_by = time.monotonic() + self._context.cancel_grace.total_seconds()
        return self._slot.receive(_LISTEN_SECONDS)

    def _stay_alive(self) -> None:
        """Renews the lease when it is time to. Raises `Interrupted`."""
        now = time.monotonic()
        if self._context.interrupted.is_set():
            raise Interrupted
        if now >= self._next_heartbeat:
            self._persist(lambda: self._ledger.heartbeat(self._fence))
            self._next_heartbeat = now + self._context.lease.heartbeat.total_seconds()

    def _cancel_wanted(self) -> bool:
        return self._context.cancellations.wanted(self._report.id, self._report.attempt)

    def _step(self, progress: Progress, change: StepChange) -> None:
        self._persist(lambda: self._ledger.step(self._fence, progress, change))

    # --- its end

    def _settle(self, word: LastWord, span: Span) -> Status:
        """What the attempt leaves the report as."""
        artefact: StoredArtefact | None = None
        if isinstance(word, Produced):
            kept = self._store(word)
            if isinstance(kept, StoredArtefact):
                artefact = kept
            else:
                word = kept
        if isinstance(word, Cancelled):
            fail_span(span, "cancelled", "Somebody has cancelled the report.")
            return self._finish(Status.CANCELLED)
        failure = failure_of(word)
        if failure is None:
            return self._finish(Status.DONE, artefact=artefact)
        _tell_failure(span, failure, word)
        retry, random = self._context.retry, self._context.random
        end = decide(word, failure, self._report, self._max_attempts, retry, random)
        if isinstance(end, RetryLater):
            return self._end(
                lambda: self._ledger.retry(self._fence, end.failure, end.delay, counted=end.counted)
            )
        letter = None
        if end.used_up:
            letter = report_letter(self._report, end.failure, self._claimed.origin, end.stack)
        return self._end(lambda: self._ledger.finish(self._fence, Status.FAIL, end.failure, artefact, letter))

    def _finish(self, status: Status, artefact: StoredArtefact | None = None) -> Status:
        return self._end(lambda: self._ledger.finish(self._fence, status, artefact=artefact))

    def _store(self, produced: Produced) -> StoredArtefact | Cancelled | Broken:
        """The lease lasts meanwhile. A store that does not answer is given up, with the thread that waits."""
        artefact = Artefact(produced.path, produced.media_type, produced.filename)
        limit = max(self._deadline - time.monotonic(), self._context.least_to_store.total_seconds())
        deadline = time.monotonic() + limit
        stored = _in_background(lambda: self._put(artefact))
        while not wait([stored], _LISTEN_SECONDS).done:
            self._stay_alive()
            if self._cancel_wanted():
                return Cancelled()
            if time.monotonic() >= deadline:
                message = f"Storing the artefact took longer than {timedelta(seconds=round(limit))}."
                return Broken(Failure("artefact_store", message))
        try:
            return stored.result()
        except ArtefactStoreUnavailable as error:
            return Broken(Failure("artefact_store", str(error)))

    def _put(self, artefact: Artefact) -> StoredArtefact:
        for retry in stamina.retry_context(on=ArtefactStoreUnavailable, attempts=3, wait_initial=0.2):
            with retry:
                return self._context.artefacts.put(self._report.id, self._report.attempt, artefact)
        raise AssertionError("unreachable: the last retry raises")

    def _hand_back(self) -> None:
        try:
            self._persist(lambda: self._ledger.hand_back(self._fence))
            log.info("report handed back", report_id=str(self._report.id), attempt=self._report.attempt)
        except (LeaseLost, StoreUnavailable) as error:
            log.warning("report not handed back", report_id=str(self._report.id), reason=str(error))

    def _end(self, write: Callable[[], Report]) -> Status:
        """What `write` makes of the report, or has made of it by a try whose answer was not heard."""
        try:
            return self._persist(write).status
        except (LeaseLost, StoreUnavailable):
            told = self._end_told()
            if told is None:
                raise
            return told

    def _end_told(self) -> Status | None:
        """What this attempt has left the report as; None where it was lost, or where nobody can tell.

        Whoever else ends an attempt counts a loss. A redrive forgets the losses: where one was quicker than
        this look, the count may mislead, and then the spans are ended twice, or not at all.
        """
        before, now = self._report, self._look()
        if now is None or now.losses != before.losses:
            return None
        if now.attempt > before.attempt:  # it waited, and has been claimed again
            return Status.INIT
        return None if now.status is Status.PROCESSING else now.status

    def _look(self) -> Report | None:
        """The report, as soon as the database can tell. None where it has none, or the worker stops first."""
        while True:
            try:
                return self._ledger.get(self._report.id)
            except StoreUnavailable:
                if self._context.interrupted.wait(_LOOK_SECONDS):
                    return None

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


def _in_background(call: Callable[[], Result]) -> Future[Result]:
    """On a thread that holds up nobody's exit."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="in-background", daemon=True).start()
    return future


def _has_spent_its_slot(word: LastWord) -> bool:
    return isinstance(word, Produced | Failed) and word.spent


def _is_of_another_version(error: Exception) -> bool:
    """Whether the API knows a kind, or a parameter, that is unknown here: in an upgrade the next worker may
    know it."""
    if isinstance(error, ValidationError):
        return all(one["type"] == "extra_forbidden" for one in error.errors())
    return isinstance(error, UnknownKind)


def _change(told: StepStarted | StepEnded) -> StepChange:
    if isinstance(told, StepStarted):
        return StepChange(told.name, StepStatus.RUNNING)
    status = StepStatus.FAILED if told.error is not None else StepStatus.DONE
    return StepChange(told.name, status, told.duration_ms, told.error)


def _tell_failure(span: Span, failure: Failure, word: LastWord) -> None:
    """On handle_report; an exception stands there only where no step's span has recorded it."""
    fail_span(span, failure.type, failure.message)
    if isinstance(word, Failed) and word.step is None:
        span.add_event(
            "exception",
            {
                exception_attributes.EXCEPTION_TYPE: word.error_type,
                exception_attributes.EXCEPTION_MESSAGE: word.message,
                exception_attributes.EXCEPTION_STACKTRACE: word.traceback,
            },
        )
