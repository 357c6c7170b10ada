"""Spans of OTLP as Jaeger's query API writes them, so that a client of Jaeger reads a trace of the buffer."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.semconv._incubating.attributes.opentracing_attributes import (
    OPENTRACING_REF_TYPE,
    OpentracingRefTypeValues,
)

from local.trace_buffer.store import StoredSpan

_KINDS = {
    Span.SPAN_KIND_INTERNAL: "internal",
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_PRODUCER: "producer",
    Span.SPAN_KIND_CONSUMER: "consumer",
}
_STATUSES = {Status.STATUS_CODE_OK: "OK", Status.STATUS_CODE_ERROR: "ERROR"}
_SERVICE_NAME = "service.name"

Field = dict[str, Any]


def stored_spans(request: ExportTraceServiceRequest) -> Iterator[StoredSpan]:
    """Every span of an exporter's request."""
    for resource_spans in request.resource_spans:
        process = _process(resource_spans.resource)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield StoredSpan(
                    span.trace_id.hex(), span.span_id.hex(), process, _span(span, scope_spans.scope)
                )


def trace_answer(trace_id: str, spans: Iterable[StoredSpan]) -> dict[str, Any]:
    """The answer to `GET /api/traces/{id}`. Spans of one process need not have it written once."""
    found = [(f"p{number}", one) for number, one in enumerate(spans, 1)]
    trace = {
        "traceID": trace_id,
        "spans": [{**one.span, "processID": key} for key, one in found],
        "processes": {key: one.process for key, one in found},
        "warnings": None,
    }
    return {"data": [trace], "total": 0, "limit": 0, "offset": 0, "errors": None}


def _process(resource: Resource) -> Mapping[str, Any]:
    fields = _fields(resource.attributes)
    names = [field["value"] for field in fields if field["key"] == _SERVICE_NAME]
    return {
        "serviceName": names[0] if names else "",
        "tags": [field for field in fields if field["key"] != _SERVICE_NAME],
    }


def _span(span: Span, scope: InstrumentationScope) -> Mapping[str, Any]:
    start = span.start_time_unix_nano
    return {
        "traceID": span.trace_id.hex(),
        "spanID": span.span_id.hex(),
        "operationName": span.name,
        "references": _references(span),
        "startTime": start // 1000,
        "duration": max(0, span.end_time_unix_nano - start) // 1000,
        "tags": [*_scope_fields(scope), *_fields(span.attributes), *_own_fields(span)],
        "logs": [
            {
                "timestamp": event.time_unix_nano // 1000,
                "fields": [_field("event", event.name), *_fields(event.attributes)],
            }
            for event in span.events
        ],
        "warnings": None,
    }


def _references(span: Span) -> Sequence[Field]:
    """The parent first; a link to the parent says of what type that reference is."""
    types = {(span.trace_id, span.parent_span_id): "CHILD_OF"} if span.parent_span_id else {}
    types |= {(link.trace_id, link.span_id): _reference_type(link) for link in span.links}
    return [
        {"refType": kind, "traceID": trace_id.hex(), "spanID": span_id.hex()}
        for (trace_id, span_id), kind in types.items()
    ]


def _reference_type(link: Span.Link) -> str:
    types = [field["value"] for field in _fields(link.attributes) if field["key"] == OPENTRACING_REF_TYPE]
    return "CHILD_OF" if types == [OpentracingRefTypeValues.CHILD_OF.value] else "FOLLOWS_FROM"


def _scope_fields(scope: InstrumentationScope) -> list[Field]:
    named = {"otel.scope.name": scope.name, "otel.scope.version": scope.version}
    return [_field(key, value) for key, value in named.items() if value]


def _own_fields(span: Span) -> list[Field]:
    """What OTLP has in fields of a span and Jaeger among its tags."""
    fields = []
    if span.kind in _KINDS:
        fields.append(_field("span.kind", _KINDS[span.kind]))
    if span.status.code in _STATUSES:
        fields.append(_field("otel.status_code", _STATUSES[span.status.code]))
    if span.status.code == Status.STATUS_CODE_ERROR:
        fields.append(_field("error", value=True))
    if span.status.message:
        fields.append(_field("otel.status_description", span.status.message))
    if span.trace_state:
        fields.append(_field("w3c.tracestate", span.trace_state))
    return fields


def _fields(attributes: Iterable[KeyValue]) -> list[Field]:
    return [_field(attribute.key, _value(attribute.value)) for attribute in attributes]


def _field(key: str, value: str | bool | int | float) -> Field:
    kind = {bool: "bool", int: "int64", float: "float64"}.get(type(value), "string")
    return {"key": key, "type": kind, "value": value}


def _value(value: AnyValue) -> str | bool | int | float:
    """Jaeger has no lists, no maps and no bytes: they are written as text."""
    found = _plain(value)
    if isinstance(found, bytes):
        return base64.b64encode(found).decode()
    if isinstance(found, (str, bool, int, float)):
        return found
    return "" if found is None else json.dumps(found, separators=(",", ":"))


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {each.key: _plain(each.value) for each in value.kvlist_value.values}
    return None if kind is None else getattr(value, kind)
