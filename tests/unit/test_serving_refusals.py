"""What is answered in the application's place."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags, format_trace_id

from producer_api.serving import refusals
from producer_api.serving.errors import BodyTooLarge

TRACE = 0x4BF92F3577B34DA6A3CE929D0E0E4736


@pytest.mark.parametrize(
    ("flags", "told"), [(TraceFlags.SAMPLED, format_trace_id(TRACE)), (TraceFlags.DEFAULT, None)]
)
def test_a_trace_is_named_only_where_it_is_kept(
    flags: int, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def refusal_span() -> Iterator[Span]:
        yield NonRecordingSpan(SpanContext(TRACE, 1, is_remote=False, trace_flags=TraceFlags(flags)))

    monkeypatch.setattr(refusals, "refusal_span", refusal_span)

    response = refusals.response(refusals.refusal(BodyTooLarge("too large")), "")

    assert json.loads(response.partition(b"\r\n\r\n")[2]).get("trace_id") == told
