"""The spans that the database knows of: the report, its waits, its attempts and their steps."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from producer_api.waterfall.model import (
    IN_KAFKA,
    LOST,
    REPORT,
    RETRY,
    SLOT,
    UNPUBLISHED,
    WAIT,
    SpanResource,
    SpanStatus,
    cut,
)
from waybill.domain import TERMINAL, Report, Status, StepStatus
from waybill.messages import StatusEvent, WaitedModel
from waybill.store import StoredEvent
from waybill.telemetry import names

_API, _WORKER = "producer-api", "report-worker"


def stored_spans(report: Report, events: Iterable[StoredEvent]) -> list[SpanResource]:
    """By all the events of the report, or the first of them."""
    drawing = _Drawing(report)
    for event in events:
        drawing.add(StatusEvent.model_validate(event.data))
    return drawing.finished()


@dataclass
class _Drawing:
    """Spans are begun and ended by one event after the other."""

    report: Report
    spans: list[SpanResource] = field(default_factory=list)
    wait: SpanResource | None = None
    attempt: SpanResource | None = None
    attempts: int = 0
    steps: dict[str, SpanResource] = field(default_factory=dict)
    step_ended: datetime | None = None
    """The latest end of a step, as its span has it."""
    not_before: dict[str, datetime] = field(default_factory=dict)
    """Of steps that run: what had ended when they began."""
    retry_at: datetime | None = None
    last: datetime | None = None
    """When it gave its last sign."""

    def __post_init__(self) -> None:
        self.root = self._begin(REPORT, self.report.created_at, None, _API)
        self.root.attributes = {
            names.REPORT_ID: str(self.report.id),
            names.REPORT_KIND: cut(self.report.kind),
        }
        self.wait = self._begin(WAIT, self.report.created_at, self.root, _API)

    def add(self, event: StatusEvent) -> None:
        if not event.worker_lost:
            self.last = event.at
        if event.step is not None:
            self._step(event)
        elif event.status is Status.PROCESSING:
            self._claimed(event)
        elif event.status in TERMINAL or self.attempt or not self.wait:
            self._back(event)

    def finished(self) -> list[SpanResource]:
        """In the order of their starts. What no event has ended still runs."""
        return sorted(self.spans, key=lambda span: span.start)

    def _claimed(self, event: StatusEvent) -> None:
        if event.attempt == self.attempts:
            return  # it is to be cancelled
        self.attempts = event.attempt
        if self.wait:
            _end(self.wait, event.at)
            self._divide(self.wait, event)
            self.wait = None
        self.attempt = self._begin(names.HANDLE_REPORT, event.at, self.root, _WORKER)
        self.attempt.attributes = {names.REPORT_ATTEMPT: event.attempt}

    def _step(self, event: StatusEvent) -> None:
        step = event.step
        if step is None:
            return
        if step.status is StepStatus.RUNNING:
            self.steps[step.name] = self._begin(step.name, event.at, self.attempt or self.root, _WORKER)
            if self.step_ended:
                self.not_before[step.name] = self.step_ended
            return
        took = timedelta(milliseconds=step.duration_ms or 0)
        span = self.steps.pop(step.name, None) or self._begin(
            step.name, event.at - took, self.attempt or self.root, _WORKER
        )
        _end(span, event.at, step.error or "failed" if step.status is StepStatus.FAILED else None)
        if step.duration_ms is not None:
            span.duration_ms = float(step.duration_ms)
            # events are written together: that of its start may have come late
            began = min(span.start, event.at - took)
            span.start = max(began, self.not_before.pop(step.name, began))
            ended = span.start + took
            self.step_ended = max(self.step_ended or ended, ended)

    def _back(self, event: StatusEvent) -> None:
        """The attempt, or the wait, has ended; or the report restarts."""
        error = event.error.message if event.error else None
        failed = error or ("cancelled" if event.status is Status.CANCELLED else None)
        if event.worker_lost and self.attempt and self.last:
            self.attempt.attributes[names.LAST_SIGN] = self.last.isoformat()
        for span in (*self.steps.values(), self.attempt):
            if span:
                _end(span, event.at, LOST if event.worker_lost else failed)
        if self.wait:
            _end(self.wait, event.at)
        self.steps, self.attempt, self.wait = {}, None, None
        if event.status in TERMINAL:
            _end(self.root, event.at, failed)
            return
        _reopen(self.root)
        self.retry_at = event.not_before
        self.wait = self._begin(RETRY if event.not_before else WAIT, event.at, self.root, _API)

    def _divide(self, wait: SpanResource, claim: StatusEvent) -> None:
        """By what the claim knows of it: of clocks that differ, none leads out of the wait."""
        times = claim.waited or self._known_of_the_last(claim.attempt)
        if times is None or times.published_at is None:
            return
        start, end = wait.start, claim.at
        if wait.name == RETRY and self.retry_at:
            start = min(max(start, self.retry_at), end)
        parts = (
            (SLOT, times.commanded_at or start, _API),
            (UNPUBLISHED, times.published_at, _API),
            (IN_KAFKA, times.read_at or end, _WORKER),
            (SLOT, end, _WORKER),
        )
        for name, until, service in parts:
            until = min(max(start, until), end)
            if until > start:
                _end(self._begin(name, start, wait, service), until)
                start = until

    def _known_of_the_last(self, attempt: int) -> WaitedModel | None:
        """Of a claim by a worker of the version before, whose event says nothing."""
        trace = self.report.attempt_trace
        if trace is None or trace.attempt != attempt:
            return None
        received = datetime.fromtimestamp(trace.report_consumer_start / 1e9, UTC)
        return WaitedModel(published_at=received - timedelta(milliseconds=trace.queue_time_ms))

    def _begin(self, name: str, start: datetime, parent: SpanResource | None, service: str) -> SpanResource:
        number = f"{self.report.id}/{len(self.spans)}"
        span = SpanResource(
            id=hashlib.sha256(number.encode()).hexdigest()[:16],
            parent=parent.id if parent else None,
            name=cut(name),
            service=service,
            kind="internal",
            start=start,
            duration_ms=None,
            status=SpanStatus.OK,
            error=None,
            attributes={},
            running=True,
        )
        self.spans.append(span)
        return span


def _end(span: SpanResource, at: datetime, error: str | None = None) -> None:
    span.duration_ms = max(0.0, (at - span.start) / timedelta(milliseconds=1))
    span.running = False
    if error is not None:
        span.status, span.error = SpanStatus.ERROR, cut(error)


def _reopen(span: SpanResource) -> None:
    span.duration_ms, span.running, span.status, span.error = None, True, SpanStatus.OK, None
