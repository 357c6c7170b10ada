"""The spans of an attempt: handle_report, below the report_consumer of its claim."""

import time

from opentelemetry import trace
from opentelemetry.semconv.attributes import exception_attributes
from opentelemetry.trace import Span

from report_worker.attempt.outcome import Outcome
from report_worker.intake import Claimed
from report_worker.slots import Failed
from waybill.domain import AttemptTrace, Carrier, Failure, FailureType, Status
from waybill.telemetry import fail_span, handle_span, interrupt_span, names, record_error, span_carrier


class AttemptSpans:
    """Both are ended here, or, where the attempt was lost after they were stored, by recovery."""

    def __init__(self, claimed: Claimed, owner: str) -> None:
        """`owner` is the worker, whose name its consumer has too."""
        self._claimed = claimed
        self._owner = owner
        self._started_at = time.time_ns()
        self._handle = _handle_report(claimed, self._started_at)
        self._lost = False
        self._stored = False

    @property
    def carrier(self) -> Carrier | None:
        """Of handle_report, for the steps."""
        return span_carrier(self._handle)

    def to_store(self) -> AttemptTrace | None:
        """What recovery needs to end them; None where they are not valid."""
        consumer, handle = span_carrier(self._claimed.span), span_carrier(self._handle)
        if not (consumer and handle):
            return None
        return AttemptTrace(
            origin=self._claimed.origin,
            parent=self._claimed.parent,
            report_consumer=consumer,
            report_consumer_start=self._claimed.started_at,
            queue_time_ms=self._claimed.queue_time_ms,
            handle_report=handle,
            handle_report_start=self._started_at,
            attempt=self._claimed.report.attempt,
            client_id=self._owner,
            group=self._claimed.group,
            bootstrap_servers=self._claimed.bootstrap_servers,
        )

    def stored(self, spans: AttemptTrace | None) -> None:
        """From now on recovery ends them where the attempt is lost."""
        self._stored = spans is not None

    def ended(self, status: Status) -> None:
        self._handle.set_attribute(names.REPORT_STATUS, status)

    def failed(self, failure: Failure, outcome: Outcome) -> None:
        """An exception stands on handle_report only where no step's span has recorded it."""
        fail_span(self._handle, failure.type, failure.message)
        if isinstance(outcome, Failed) and outcome.step is None:
            self._handle.add_event(
                "exception",
                {
                    exception_attributes.EXCEPTION_TYPE: outcome.error_type,
                    exception_attributes.EXCEPTION_MESSAGE: outcome.message,
                    exception_attributes.EXCEPTION_STACKTRACE: outcome.traceback,
                },
            )

    def cancelled(self) -> None:
        fail_span(self._handle, FailureType.CANCELLED, "The report was cancelled.")

    def interrupted(self) -> None:
        interrupt_span(self._handle)

    def lost(self, reason: Exception) -> None:
        """The report is another worker's, or will be."""
        self._lost = True
        fail_span(self._handle, FailureType.LEASE_LOST, str(reason))

    def worker_failed(self, error: Exception) -> None:
        """Recovery will take the report back."""
        self._lost = True
        record_error(self._handle, error)
        fail_span(self._handle, type(error).__qualname__, str(error))

    def end(self) -> None:
        if not (self._lost and self._stored):
            self._handle.end()
            self._claimed.span.end()


def _handle_report(claimed: Claimed, started_at: int) -> Span:
    report = claimed.report
    before = report.attempt_trace
    return handle_span(
        trace.set_span_in_context(claimed.span),
        str(report.id),
        report.kind,
        report.attempt,
        start_time=started_at,
        previous=before.handle_report if before else None,
        previous_attempt=before.attempt if before and before.attempt else report.attempt - 1,
    )
