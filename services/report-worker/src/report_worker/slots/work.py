"""The `Work` that a kind sees in its slot."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from opentelemetry import trace
from opentelemetry.semconv.attributes import exception_attributes
from opentelemetry.trace import Span

from report_worker.slots.protocol import Job, StepEnded, StepStarted
from report_worker.slots.sanitize import message_of, name_of, shortened, stack_of, type_of
from report_worker.slots.step import SlotStep, Stored
from waybill.telemetry import (
    context_of,
    fail_span,
    interrupt_span,
    log_failure,
    reused_step_span,
    span_carrier,
    step_span,
)

Tell = Callable[[StepStarted | StepEnded], None]

_NAME_CHARACTERS = 200


class JobCancelled(BaseException):
    """Raised in a job that shall end; no kind's `except Exception` holds it up."""


class SlotWork:
    """One attempt: makes a span of each step, and tells the worker of it."""

    def __init__(self, job: Job, tell: Tell, cancelled: threading.Event) -> None:
        self._job = job
        self._tell = tell
        self._parent = context_of(job.carrier)
        self._stored = Stored(dict(job.results))
        self._running: Span | None = None
        self.failed: StepEnded | None = None
        """The first step that failed and let the job go on."""
        self._cancelled = cancelled
        self.fatal: str | None = None
        """The step whose exception has ended the attempt."""

    @property
    def report_id(self) -> UUID:
        return self._job.report_id

    @property
    def attempt(self) -> int:
        return self._job.attempt

    @property
    def directory(self) -> Path:
        return self._job.directory

    @property
    def outputs(self) -> tuple[str, ...]:
        return self._job.outputs

    @property
    def running(self) -> Span | None:
        """The span of the step that runs."""
        return self._running

    @contextmanager
    def step(self, name: str, *, keep_going: bool = False, resume: bool = False) -> Iterator[SlotStep]:
        if self._running is not None:
            raise RuntimeError(f"The step {name!r} began within another; steps do not nest.")
        if self._cancelled.is_set():
            raise JobCancelled
        name = shortened(name, _NAME_CHARACTERS)
        step = SlotStep(name, self.directory, self._stored if resume else None)
        span = self._span(name, step)
        self._running = span
        reused_from = step.found.attempt if step.found else None
        self._tell(StepStarted(name, reused_from))
        started = time.monotonic()
        error: BaseException | None = None
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield step
                step.check()
        except BaseException as caught:  # also an asyncio task's cancellation, or sys.exit
            error = caught
            _record(span, name, caught)
            if not keep_going:
                self.fatal = name
                raise
        finally:
            self._running = None
            span.end()
            milliseconds = round((time.monotonic() - started) * 1000)
            kept = None if error else step.kept(span_carrier(span))
            ended = StepEnded(name, milliseconds, message_of(error) if error else None, reused_from, kept)
            if error:
                self.failed = self.failed or ended
            self._tell(ended)

    def _span(self, name: str, step: SlotStep) -> Span:
        if step.found is None:
            return step_span(name, self._parent)
        return reused_step_span(name, self._parent, attempt=step.found.attempt, made_by=step.found.carrier)

    def interrupt(self) -> None:
        """Ends the running step's span as interrupted. Called from another thread, before the exit."""
        span = self._running
        if span is not None:
            interrupt_span(span)
            span.end()


def _record(span: Span, name: str, error: BaseException) -> None:
    """The exception, the status, and the article's log event, on the step where it happened. Not by
    `record_exception`, which raises what the exception's own `__str__` raises."""
    span.add_event(
        "exception",
        {
            exception_attributes.EXCEPTION_TYPE: type_of(error),
            exception_attributes.EXCEPTION_MESSAGE: message_of(error),
            exception_attributes.EXCEPTION_STACKTRACE: stack_of(error),
        },
    )
    fail_span(span, name_of(error), message_of(error))
    log_failure(span, name)
