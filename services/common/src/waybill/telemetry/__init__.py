"""The trace of a report, and our metrics: every name, span and instrument of ours has its home here.

A trace is carried by hand from a request to a command to an attempt. The SDK is set up by
opentelemetry-distro from `OTEL_*` variables; this package only makes spans and records metrics.
"""

from waybill.telemetry import names
from waybill.telemetry.callers import CallerTrace, link_caller, read_callers
from waybill.telemetry.environment import WrongTelemetry, tracing_environment
from waybill.telemetry.job_logs import emit_job_record
from waybill.telemetry.lost import end_lost_attempt
from waybill.telemetry.metrics import (
    count_dropped_log_lines,
    count_message,
    count_refused,
    count_trimmed,
    count_try,
    observe_outbox_age,
    observe_waiting_reports,
    record_queue_time,
)
from waybill.telemetry.propagation import context_of, current_carrier, span_carrier, valid_carrier
from waybill.telemetry.requests import name_unmatched_request, redact_query
from waybill.telemetry.sdk import sdk_is_started, start_sdk
from waybill.telemetry.spans import (
    call_span,
    consumer_span,
    describe_attempt,
    describe_response,
    describe_step,
    fail_span,
    flush,
    handle_span,
    interrupt_span,
    kept_trace_id,
    log_failure,
    producer_span,
    record_error,
    refusal_span,
    request_span,
    reused_step_span,
    step_span,
    tracer,
)
from waybill.telemetry.webhooks import describe_try, receiver_carrier, webhook_span

__all__ = [
    "CallerTrace",
    "WrongTelemetry",
    "call_span",
    "consumer_span",
    "context_of",
    "count_dropped_log_lines",
    "count_message",
    "count_refused",
    "count_trimmed",
    "count_try",
    "current_carrier",
    "describe_attempt",
    "describe_response",
    "describe_step",
    "describe_try",
    "emit_job_record",
    "end_lost_attempt",
    "fail_span",
    "flush",
    "handle_span",
    "interrupt_span",
    "kept_trace_id",
    "link_caller",
    "log_failure",
    "name_unmatched_request",
    "names",
    "observe_outbox_age",
    "observe_waiting_reports",
    "producer_span",
    "read_callers",
    "receiver_carrier",
    "record_error",
    "record_queue_time",
    "redact_query",
    "refusal_span",
    "request_span",
    "reused_step_span",
    "sdk_is_started",
    "span_carrier",
    "start_sdk",
    "step_span",
    "tracer",
    "tracing_environment",
    "valid_carrier",
    "webhook_span",
]
