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


BROWSER = b"Host: x\r\nAccept: text/html,application/xhtml+xml\r\nCookie: a=b\r\n\r\n"


@pytest.mark.parametrize(
    ("beginning", "is_page"),
    [
        (b"POST /reports/new HTTP/1.1\r\n" + BROWSER, True),
        (b"GET /reports?q=" + b"a" * 9000 + b" HTTP/1.1\r\n" + BROWSER, True),
        (b"GET /reports?q=/api/ HTTP/1.1\r\n" + BROWSER, True),
        (b"GET /api/v1/reports HTTP/1.1\r\n" + BROWSER, False),
        (b"POST /below/api/v1/reports HTTP/1.1\r\n" + BROWSER, False),
        (b"POST /reports/new HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n", False),
        (b"POST /reports/new HTTP/1.1\r\nHost: x\r\nX-Accept: text/html\r\n\r\n", False),
        (b"POST /reports/new HTTP/1.1\r\nAccept: */*\r\n\r\nno\r\naccept: text/html", False),
        (b"GET /problems/not-found HTTP/1.1\r\n" + BROWSER, False),
        (b"GET /reports HTTP/1.1\r\naccept: text/html", True),
        (b"nonsense", False),
        (b"", False),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
def test_a_browser_gets_a_page(beginning: bytes, is_page: bool) -> None:
    assert refusals.is_for_page(beginning) is is_page


def test_the_page_says_what_is_too_large_and_that_nothing_is_lost() -> None:
    answer = refusals.response(refusals.refusal(BodyTooLarge("<too> large.")), "/below", as_page=True)
    head, _, body = answer.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 413 ") and "Content-Type: text/html; charset=utf-8" in head
    assert "&lt;too&gt; large. Go back, and shorten it" in body and 'href="/below/"' in body
