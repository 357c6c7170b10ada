"""What servers answer to the client and the command."""

import io
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from tests.fuzz.choices import Choices
from tests.fuzz.mutation import json_bytes, mutated_bytes, mutated_json, mutated_text, odd_text
from tests.fuzz.target import Check, Place
from tests.support.answers import REPORT_ID, TRACE_ID, event, jaeger, report, span
from tests.support.http_server import Request, Server, serving
from waybill_client import ClientError, JaegerClient, RetryPolicy, WaybillClient
from waybill_client.cli import main
from waybill_client.cli.session import ExitCode

_ONCE = RetryPolicy(attempts=1)
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What switches the direction of writing."""
_HOSTILE = ("\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "\r", "\x08", "\u202e", "\u2028", "\u2067")
"""What a terminal would obey."""
_REPORTS = "/api/v1/reports"
_FILE = b"<html>a page</html>"
_ARTEFACT = {
    "href": f"{_REPORTS}/{REPORT_ID}/artefact",
    "filename": "report.html",
    "media_type": "text/html",
    "size": len(_FILE),
    "sha256": "0f1b2c",
    "output": "html",
}
_REPORT = report(
    "fail",
    5,
    owner="ann",
    tenant="acme",
    parameters={"steps": 3, "name": ["a"]},
    progress={"step": "doWork:1", "done": 1, "total": 2},
    error={"type": "step_failed", "message": "Something wrong!", "step": "doWork:1"},
    outputs=["html", "pdf"],
    artefact=_ARTEFACT,
    artefacts=[_ARTEFACT, {**_ARTEFACT, "filename": "report.pdf", "output": "pdf"}],
)
_KIND = {
    "name": "dowork",
    "title": "Do work",
    "description": "The demonstration job.",
    "outputs": ["html", "pdf"],
    "parameters": {
        "$defs": {"Inner": {"type": "object", "properties": {"size": {"type": "integer"}}}},
        "properties": {
            "steps": {"type": "integer", "minimum": 1, "default": 10, "description": "How many."},
            "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
            "inner": {"type": "array", "items": {"$ref": "#/$defs/Inner"}},
            "chosen": {"enum": ["a", 7]},
        },
        "required": ["day"],
        "examples": [{"steps": 3}],
    },
}
_LETTER = {
    "id": REPORT_ID,
    "reason": "not_json",
    "detail": "The message's value is not JSON.",
    "topic": "report",
    "partition": 1,
    "offset": 1,
    "stack": "Traceback",
    "created_at": "2026-11-23T12:00:00Z",
}
_KEY = {
    **{"id": "abcdefghijkm", "name": "the shop", "tenant": "acme", "owner": "ann", "created_by": "root"},
    **{"roles": ["requester"], "created_at": "2026-11-23T12:00:00Z", "token": "wb_abcdefghijkm_secret"},
}
_ENTRY = {
    **{"id": 1, "at": "2026-11-23T12:00:00Z", "actor": "ann", "actor_tenant": "acme", "credential": "key a"},
    **{"action": "request", "tenant": "acme", "report_id": REPORT_ID},
}
_PROBLEM = {
    "type": "/problems/wrong-request",
    "title": "The request is wrong",
    "status": 422,
    "detail": "parameters.month: must be at most 12",
    "errors": [{"field": "parameters.month", "message": "must be at most 12"}],
    "trace_id": TRACE_ID,
}
_TRACE = jaeger(
    [
        span("a1", "POST /api/v1/reports", 0, 100, kind="server", service="producer-api"),
        span("a2", "report_request", 10, 1, "a1", service="producer-api"),
        span("a3", "report_producer", 11, 5, "a2", service="producer-api", kind="producer"),
        span("a4", "report_consumer", 20, 70, "a3", kind="consumer", report__queue_time_ms=3.5),
        span("a5", "handle_report", 30, 60, "a4"),
        span("a6", "doWork:0", 31, 20, "a5", error="Something wrong!", exception__message="x"),
        span("a7", "doWork:1", 60, 20, "is not there"),
    ]
)
_OF_COMMANDS: tuple[tuple[tuple[str, ...], str, Any], ...] = (
    (("show", REPORT_ID), f"GET {_REPORTS}/{REPORT_ID}", _REPORT),
    (("show", REPORT_ID, "--json"), f"GET {_REPORTS}/{REPORT_ID}", _REPORT),
    (("artefacts", REPORT_ID), f"GET {_REPORTS}/{REPORT_ID}", _REPORT),
    (("list",), f"GET {_REPORTS}", {"reports": [_REPORT], "next_cursor": None}),
    (("cancel", REPORT_ID), f"POST {_REPORTS}/{REPORT_ID}:cancel", _REPORT),
    (("request", "dowork"), f"POST {_REPORTS}", _REPORT),
    (("kinds",), "GET /api/v1/kinds", {"kinds": [_KIND], "unavailable": [{"name": "a", "reason": "b"}]}),
    (("kinds", "dowork"), "GET /api/v1/kinds", {"kinds": [_KIND], "unavailable": []}),
    (("dead-letters",), "GET /api/v1/dead-letters", {"dead_letters": [_LETTER], "next_cursor": None}),
    (("redrive",), "POST /api/v1/dead-letters:redrive", {"reports": [REPORT_ID], "refused": [_LETTER]}),
    (("keys", "list"), "GET /api/v1/keys", {"keys": [_KEY]}),
    (("keys", "rotate", "a"), "POST /api/v1/keys/a:rotate", _KEY),
    (("audit", "--limit", "1"), "GET /api/v1/audit", {"entries": [_ENTRY], "next_cursor": None}),
    (("audit", "--limit", "1", "--json"), "GET /api/v1/audit", {"entries": [_ENTRY], "next_cursor": None}),
    (("trace", TRACE_ID, "--wait", "0"), f"GET /api/traces/{TRACE_ID}", _TRACE),
    (("trace", TRACE_ID, "--wait", "0", "--json"), f"GET /api/traces/{TRACE_ID}", _TRACE),
)
_OF_CALLS: tuple[tuple[Callable[[WaybillClient], Any], str, Any], ...] = (
    (lambda client: client.show(REPORT_ID), f"GET {_REPORTS}/{REPORT_ID}", _REPORT),
    (
        lambda client: list(client.reports(limit=1)),
        f"GET {_REPORTS}",
        {"reports": [_REPORT], "next_cursor": "x"},
    ),
    (lambda client: client.request("dowork"), f"POST {_REPORTS}", _REPORT),
    (lambda client: client.retry(REPORT_ID), f"POST {_REPORTS}/{REPORT_ID}:retry", _REPORT),
    (lambda client: client.kind_list(), "GET /api/v1/kinds", {"kinds": [_KIND], "unavailable": []}),
    (
        lambda client: client.dead_letters(),
        "GET /api/v1/dead-letters",
        {"dead_letters": [_LETTER], "next_cursor": None},
    ),
    (
        lambda client: client.redrive(),
        "POST /api/v1/dead-letters:redrive",
        {"reports": [REPORT_ID], "refused": [_LETTER]},
    ),
    (lambda client: client.create_key("a", "b"), "POST /api/v1/keys", _KEY),
    (
        lambda client: list(client.audit(limit=1)),
        "GET /api/v1/audit",
        {"entries": [_ENTRY], "next_cursor": 1},
    ),
)
_FREE_TEXTS = frozenset(
    (
        *("name", "title", "description", "detail", "reason", "owner", "tenant", "message", "kind", "step"),
        *("actor", "credential", "action", "subject", "created_by", "roles", "filename", "media_type"),
        *("output", "outputs"),
        *("operationName", "serviceName", "value", "stack", "topic", "field", "type", "sha256", "examples"),
    )
)
_STATUSES = (200,) * 12 + (202, 204, 301, 400, 401, 403, 404, 409, 422, 500)


@contextmanager
def traces(_: Place) -> Iterator[Check]:
    """Of Jaeger: an error of ours, or a trace of which all is known."""
    with serving() as server, JaegerClient(server.url) as client:

        def check(choices: Choices) -> bool:
            body = json_bytes(choices, mutated_json(choices, _TRACE))
            server.routes[f"GET /api/traces/{TRACE_ID}"] = lambda request: request.bytes(
                body, "application/json"
            )
            try:
                trace = client.trace(TRACE_ID)
            except ClientError as error:
                assert str(error)
                return False
            if trace is None:
                return False
            assert trace.end >= trace.start
            assert trace.services is not None
            nodes = [node for root in (*trace.roots, *trace.orphan_nodes) for node in root.walk()]
            assert len(nodes) <= len(trace.spans)
            assert all(node.fails_first in (True, False) for node in nodes)
            texts = [text for one in trace.spans for text in (one.id, one.name, one.service, *one.attributes)]
            assert all(isinstance(text, str) for text in texts)
            assert 0 <= trace.shares.http <= 1
            assert len(trace.steps) <= len(trace.spans)
            return True

        yield check


@contextmanager
def calls(_: Place) -> Iterator[Check]:
    """Of the API to the client: what it answers with is read, or refused by an error of ours."""
    with serving() as server, WaybillClient(server.url, retry=_ONCE) as client:

        def check(choices: Choices) -> bool:
            call, route, valid = choices.one(_OF_CALLS)
            server.routes = {route: _answer(choices, valid)}
            try:
                read = call(client)
            except ClientError as error:
                assert str(error)
                return False
            assert read is not None
            return True

        yield check


@contextmanager
def streams(_: Place) -> Iterator[Check]:
    """Of a report's events to the client: later ones alone, in order, and an end."""
    steps = {"name": "doWork:1", "status": "done", "duration_ms": 1}
    valid = event(1, "init") + event(2) + event(3, step=steps) + event(4, "done")
    with serving() as server, WaybillClient(server.url, retry=_ONCE) as client:
        server.routes[f"GET {_REPORTS}/{REPORT_ID}"] = lambda request: request.json(report("done", 4))

        def check(choices: Choices) -> bool:
            body = mutated_bytes(choices, mutated_text(choices, valid).encode(errors="replace"))
            is_cut = choices.rarely(8)
            server.routes[f"GET {_REPORTS}/{REPORT_ID}/events"] = lambda request: request.stream(
                body.decode(errors="replace"), cut=is_cut
            )
            try:
                versions = [one.version for one in client.follow(REPORT_ID)]
            except ClientError as error:
                assert str(error)
                return False
            assert versions == sorted(set(versions))
            return True

        yield check


@contextmanager
def terminal(_: Place) -> Iterator[Check]:
    """A command ends as it says, without a traceback, and nothing that it shows is obeyed by a terminal."""
    with serving() as server:

        def check(choices: Choices) -> bool:
            arguments, route, valid = choices.one(_OF_COMMANDS)
            odd = choices.one(("", *_HOSTILE, odd_text(choices)[:100]))
            server.routes = {route: _answer(choices, _with_texts(valid, odd))}
            code, written = _run(server, *arguments)
            assert code in tuple(ExitCode)
            assert "Traceback (most recent call last)" not in written
            acted_on = {char for char in written if unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs")}
            assert acted_on <= {"\n"}
            assert not set(written) & _DIRECTIONS
            assert code == ExitCode.OK or written, "it failed without a word"
            return code == ExitCode.OK

        yield check


def _answer(choices: Choices, valid: Any) -> Callable[[Request], None]:
    status = choices.one(_STATUSES)
    body = json_bytes(choices, mutated_json(choices, valid if status < 300 else _PROBLEM))
    media_type = choices.one(("application/json", "application/problem+json", "text/html", "x"))
    more = {}
    if choices.rarely(4):
        text = mutated_text(choices, choices.one(("999999", "Fri, 27 Nov 2026 23:00:00 GMT")))
        more["Retry-After"] = "".join(char for char in text if char.isprintable() and ord(char) < 256)
    return lambda request: request.bytes(body, media_type, status, **more)


def _with_texts(value: Any, odd: str, name: str = "") -> Any:
    """`odd` behind every text that people may choose."""
    if isinstance(value, dict):
        return {key: _with_texts(inner, odd, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_texts(inner, odd, name) for inner in value]
    return value + odd if isinstance(value, str) and name in _FREE_TEXTS else value


def _run(server: Server, *arguments: str) -> tuple[int, str]:
    written = io.StringIO()
    with redirect_stdout(written), redirect_stderr(written):
        try:
            main(["--api-url", server.url, "--jaeger-url", server.url, *arguments])
        except SystemExit as end:
            return int(end.code or 0), written.getvalue()
    raise AssertionError("a command ends the process")
