"""What others write to Kafka, and trace contexts wherever they come from."""

import json
from typing import Any
from uuid import UUID

import jsonschema_rs
from opentelemetry.trace import SpanContext, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tests.fuzz.choices import Choices
from tests.fuzz.mutation import json_bytes, mutated_bytes, mutated_json, mutated_text, odd_text
from waybill.messages import (
    BareCarrier,
    Command,
    UnreadableMessage,
    carrier_from_headers,
    headers_for,
    read_command,
    schema_text,
)
from waybill.telemetry import CallerTrace, context_of
from waybill.telemetry.callers import CallerPropagator

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACESTATE = "vendor=1,other@tenant=t61rcWkgMzE"
_ID = "019ab000-0000-7000-8000-000000000001"
COMMAND = {
    "schema_version": 1,
    "report_id": _ID,
    "kind": "dowork",
    "traceparent": TRACEPARENT,
    "tracestate": TRACESTATE,
}
BARE = {"traceparent": TRACEPARENT, "tracestate": TRACESTATE, "baggage": "a=1"}
_KEYS = (None, b"report", b"", b"\xff", UUID(_ID).bytes)
_SCHEMA = jsonschema_rs.validator_for(json.loads(schema_text("command.v1.json")), validate_formats=True)
_HTTP = CallerPropagator(TraceContextTextMapPropagator(), CallerTrace.CONTINUE)


def read_a_command(choices: Choices) -> bool:
    """Refusals are sentences that a dead letter can hold. What the published schema allows is read, and what
    is read is written as it was."""
    key = choices.one(_KEYS)
    valid = BARE if choices.rarely(4) else COMMAND
    value = None if choices.rarely(50) else json_bytes(choices, mutated_json(choices, valid))
    try:
        read = read_command(key, value)
    except UnreadableMessage as error:
        assert error.reason.isidentifier()
        assert "\0" not in str(error)
        assert len(str(error).encode()) < 2000
        assert not _fits_the_schema(value), "the published schema allows what is not read"
        return False
    if isinstance(read, BareCarrier):
        _can_be_kept(read.carrier.as_dict() if read.carrier else {})
        return True
    assert isinstance(read, Command)
    _can_be_kept(read.carrier.as_dict() if read.carrier else {})
    # by escapes, since JSON has texts that UTF-8 does not: half a letter
    assert read_command(key, json.dumps(read.model_dump(), default=str).encode()) == read
    return True


def read_headers(choices: Choices) -> bool:
    """Of messages, and of HTTP requests with the same texts, which must come to the same."""
    traceparent, tracestate = mutated_text(choices, TRACEPARENT), mutated_text(choices, TRACESTATE)
    headers: list[tuple[str, bytes | str | None]] = [
        (choices.one(("traceparent", "Traceparent", "TRACEPARENT")), _encoded(choices, traceparent)),
        ("tracestate", _encoded(choices, tracestate)),
    ]
    for _ in range(choices.some(3)):
        more = choices.one((None, b"\xff\xfe", _encoded(choices, traceparent), odd_text(choices)))
        headers.append((choices.one(("tracestate", "x", "traceparent", odd_text(choices))), more))

    carrier = carrier_from_headers(headers)

    if carrier is not None:
        _can_be_kept(carrier.as_dict())
        assert carrier_from_headers(headers_for(carrier)) == carrier
        assert carrier.trace_id is None or len(carrier.trace_id) == 32
    context = _span_of(context_of(carrier))
    sent = [text if isinstance(text, str) else (text or b"").decode(errors="replace") for _, text in headers]
    if sent == [traceparent, tracestate] and len(traceparent) <= 512 and "".join(sent).isascii():
        by_http = _HTTP.extract({"traceparent": traceparent, "tracestate": tracestate})
        assert _shown(_span_of(by_http)) == _shown(context), (
            "HTTP and Kafka read the same headers differently"
        )
    return context.is_valid


def _fits_the_schema(value: bytes | None) -> bool:
    try:
        return value is not None and _SCHEMA.is_valid(json.loads(value))
    except (ValueError, RecursionError):  # no JSON
        return False


def _encoded(choices: Choices, text: str) -> bytes | str:
    return mutated_bytes(choices, text.encode(errors="replace"), 1) if choices.rarely(4) else text


def _can_be_kept(texts: dict[str, str]) -> None:
    """By a column, and by a header."""
    for text in texts.values():
        assert text.isascii()
        assert text.isprintable()


def _span_of(context: Any) -> SpanContext:
    return get_current_span(context).get_span_context()


def _shown(span: SpanContext) -> tuple[Any, ...]:
    return span.trace_id, span.span_id, span.trace_flags, list(span.trace_state.items())
