"""Our spans: how each is started, for live attempts and recovered ones alike, and how one fails."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.context import Context
from opentelemetry.semconv._incubating.attributes.opentracing_attributes import (
    OPENTRACING_REF_TYPE,
    OpentracingRefTypeValues,
)
from opentelemetry.semconv._incubating.attributes.url_attributes import URL_TEMPLATE
from opentelemetry.semconv.attributes import exception_attributes
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_RESEND_COUNT,
    HTTP_RESPONSE_STATUS_CODE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_FULL
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, Tracer, TracerProvider
from opentelemetry.util.types import AttributeValue

from waybill.domain import Carrier, FailureType, Report
from waybill.errors import WaybillError
from waybill.redaction import redacted
from waybill.telemetry import names
from waybill.telemetry.attributes import PROCESS, SEND, conversation, message_attributes
from waybill.telemetry.propagation import context_of


def tracer() -> Tracer:
    """Ours; it follows the provider of this process."""
    return _tracer_of(trace.get_tracer_provider())


@lru_cache(maxsize=1)
def _tracer_of(provider: TracerProvider) -> Tracer:
    return provider.get_tracer(names.SCOPE)


@contextmanager
def request_span(kind: str, repeated: Report | None = None) -> Iterator[Span]:
    """report_request, as the current span, with a link to the trace of the report that is `repeated`. An
    exception that leaves the block is recorded, and it fails."""
    which = {names.REPORT_RERUN_OF: str(repeated.id)} if repeated else {}
    earlier = trace.get_current_span(context_of(repeated.carrier if repeated else None)).get_span_context()
    span = tracer().start_span(
        names.REPORT_REQUEST,
        attributes={names.REPORT_KIND: kind, **which},
        links=[Link(earlier, which)] if earlier.is_valid else [],
    )
    token = contexts.attach(trace.set_span_in_context(span))
    try:
        yield span
    except Exception as error:
        record_error(span, error)
        fail_span(span, type(error).__qualname__, str(error))
        raise
    finally:
        contexts.detach(token)
        span.end()


def kept_trace_id(span: Span) -> str | None:
    """The id of its trace, for an answer; None if no trace is kept: tracing is off, or it is not sampled."""
    context = span.get_span_context()
    return trace.format_trace_id(context.trace_id) if context.trace_flags.sampled else None


@contextmanager
def refusal_span() -> Iterator[Span]:
    """For a problem that is answered outside of any span, so that it has a trace."""
    with tracer().start_as_current_span(names.REFUSAL) as span:
        yield span


def producer_span(
    parent: Carrier | None, topic: str, report_id: str, *, client_id: str, bootstrap_servers: str
) -> Span:
    """report_producer. The caller ends it."""
    return tracer().start_span(
        names.REPORT_PRODUCER,
        context=context_of(parent),
        kind=SpanKind.PRODUCER,
        attributes=message_attributes(
            SEND,
            topic,
            client_id=client_id,
            bootstrap_servers=bootstrap_servers,
            report_id=report_id,
            key=report_id,
        ),
    )


def consumer_span(
    parent: Carrier | None,
    topic: str,
    *,
    client_id: str,
    bootstrap_servers: str,
    group: str,
    key: str | None,
    partition: int,
    offset: int,
    queue_time_ms: int,
    start_time: int,
    report_id: str | None = None,
) -> Span:
    """report_consumer: one message, one span, so the message's context is both its parent and linked.

    `start_time` in nanoseconds since 1970. The caller ends it.
    """
    context = context_of(parent)
    producer = trace.get_current_span(context).get_span_context()
    attributes = message_attributes(
        PROCESS,
        topic,
        client_id=client_id,
        bootstrap_servers=bootstrap_servers,
        group=group or None,
        key=key,
        partition=partition,
        offset=offset,
    )
    return tracer().start_span(
        names.REPORT_CONSUMER,
        context=context,
        kind=SpanKind.CONSUMER,
        links=[_link_to_parent(producer)] if producer.is_valid else [],
        attributes={
            **attributes,
            **(conversation(report_id) if report_id else {}),
            names.QUEUE_TIME: queue_time_ms,
        },
        start_time=start_time,
    )


def _link_to_parent(parent: SpanContext) -> Link:
    """Jaeger's classic API has one reference to a span for both parent and link, of the link's type; without
    one FOLLOWS_FROM, which its views of a trace's critical path do not go along."""
    return Link(parent, {OPENTRACING_REF_TYPE: OpentracingRefTypeValues.CHILD_OF.value})


def handle_span(parent: Context, report_id: str, *, start_time: int) -> Span:
    """handle_report. `start_time` in nanoseconds since 1970.

    The caller describes it once the attempt is known, and ends it; one that is not ended is never sent.
    """
    return tracer().start_span(
        names.HANDLE_REPORT, context=parent, attributes={names.REPORT_ID: report_id}, start_time=start_time
    )


def describe_attempt(
    span: Span,
    kind: str,
    attempt: int,
    *,
    definition: str | None = None,
    previous: Carrier | None = None,
    previous_attempt: int = 0,
) -> None:
    """On handle_report, with a link to the attempt before it."""
    span.set_attributes({names.REPORT_KIND: kind, names.REPORT_ATTEMPT: attempt})
    if definition:
        span.set_attribute(names.REPORT_DEFINITION, definition)
    linked = trace.get_current_span(context_of(previous)).get_span_context()
    if linked.is_valid:
        span.add_link(linked, {names.REPORT_ATTEMPT: previous_attempt})


def step_span(name: str, parent: Context) -> Span:
    """One step of a kind, by its own name. The caller ends it."""
    return tracer().start_span(name, context=parent)


def describe_step(source: str, rows: int | None = None, size: int | None = None) -> None:
    """On the current span, which is the step of a query: what it reads, and then what its result has; `size`
    in bytes."""
    known = {names.STEP_SOURCE: source, names.STEP_ROWS: rows, names.STEP_BYTES: size}
    trace.get_current_span().set_attributes({name: one for name, one in known.items() if one is not None})


@contextmanager
def call_span(method: str, template: str, url: str, host: str, port: int, resend: int) -> Iterator[Span]:
    """One try of an HTTP call, in the current span: CLIENT, by its method and the path's template. `resend`
    counts the tries before it. The caller says how it ended; an exception that leaves the block fails it."""
    known: dict[str, AttributeValue] = {
        HTTP_REQUEST_METHOD: method,
        URL_TEMPLATE: template,
        URL_FULL: redacted(url),
        SERVER_ADDRESS: host,
        SERVER_PORT: port,
        **({HTTP_REQUEST_RESEND_COUNT: resend} if resend else {}),
    }
    span = tracer().start_span(f"{method} {template}", kind=SpanKind.CLIENT, attributes=known)
    try:
        yield span
    except Exception as error:
        if ERROR_TYPE not in (getattr(span, "attributes", None) or {}):
            fail_span(span, type(error).__qualname__, str(error))
        raise
    finally:
        span.end()


def describe_response(span: Span, status: int) -> None:
    """On the span of a call. A status from 400 fails it."""
    span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)
    if status >= 400:
        fail_span(span, str(status), f"HTTP {status}")


def reused_step_span(name: str, parent: Context, *, attempt: int, made_by: Carrier | None) -> Span:
    """As `step_span`, of a step that does not run: its result is from `attempt`, whose span it links to."""
    linked = trace.get_current_span(context_of(made_by)).get_span_context()
    return tracer().start_span(
        name,
        context=parent,
        links=[Link(linked, {names.REPORT_ATTEMPT: attempt})] if linked.is_valid else [],
        attributes={names.STEP_REUSED: True, names.STEP_REUSED_FROM: attempt},
    )


def log_failure(span: Span, step: str) -> None:
    """The article's log event, on a step that failed."""
    span.add_event(names.LOG_EVENT, {names.LOG_SEVERITY: "error", names.LOG_MESSAGE: f"{step} error"})


def fail_span(span: Span, error_type: str, message: str) -> None:
    """Marks a span as failed; it records no exception, so that one exception stands in a trace once."""
    span.set_attribute(ERROR_TYPE, error_type)
    span.set_status(StatusCode.ERROR, redacted(message))


def record_error(span: Span, error: BaseException) -> None:
    """The exception's event, as `record_exception` makes it, but without secrets. An error of ours is a
    sentence; what caused it may name hosts and users, and is left to the log."""
    stack = traceback.format_exception(error, chain=not isinstance(error, WaybillError))
    span.add_event(
        "exception",
        {
            exception_attributes.EXCEPTION_TYPE: type(error).__qualname__,
            exception_attributes.EXCEPTION_MESSAGE: redacted(str(error)),
            exception_attributes.EXCEPTION_STACKTRACE: redacted("".join(stack)),
        },
    )


def interrupt_span(span: Span) -> None:
    """Marks a span whose work was stopped from outside; unmarked, it would look like a success."""
    fail_span(span, FailureType.INTERRUPTED, "The worker was stopped.")


def flush() -> None:
    """Sends out every ended span, and the log records; may block for the exporters' time-outs, and never
    raises."""
    for provider in (trace.get_tracer_provider(), get_logger_provider()):
        force_flush = getattr(provider, "force_flush", None)
        if force_flush is not None:
            force_flush()
