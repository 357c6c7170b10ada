"""The spans of an attempt: handle_report, below the report_consumer of its claim."""

from opentelemetry.semconv.attributes import exception_attributes

from report_worker.attempt.outcome import Outcome
from report_worker.intake import Claimed
from report_worker.slots import Failed
from waybill.domain import Carrier, Failure, FailureType, Status
from waybill.telemetry import describe_attempt, fail_span, interrupt_span, names, record_error, span_carrier


class AttemptSpans:
    """Both are ended here, or, where the attempt was lost and they are stored, by recovery."""

    def __init__(self, claimed: Claimed) -> None:
        self._claimed = claimed
        self._handle = claimed.handle
        self._lost = False
        report, before = claimed.report, claimed.report.attempt_trace
        describe_attempt(
            self._handle,
            report.kind,
            report.attempt,
            definition=report.definition,
            previous=before.handle_report if before else None,
            previous_attempt=before.attempt if before and before.attempt else report.attempt - 1,
        )

    @property
    def carrier(self) -> Carrier | None:
        """Of handle_report, for the steps."""
        return span_carrier(self._handle)

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
        if not (self._lost and self._claimed.stored):
            self._handle.end()
            self._claimed.span.end()
