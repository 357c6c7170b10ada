"""For the tests of clients and command line: a small real HTTP server, and Jaeger's JSON built by hand."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

REPORT_ID = "019ab000-0000-7000-8000-000000000001"
TRACE_ID = "8a69b07b598a20e07034771234207074"
START = 1_795_457_049_672_498
"""Microseconds: when every trace here begins."""


class Request(BaseHTTPRequestHandler):
    """Answers with what the test's route writes; `body` is the parsed JSON of a POST."""

    protocol_version = "HTTP/1.1"
    body: Any = None

    def do_GET(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._route()

    def json(
        self, value: Any, status: int = 200, media_type: str = "application/json", **headers: str
    ) -> None:
        self.bytes(json.dumps(value).encode(), media_type, status, **headers)

    def bytes(self, body: bytes, media_type: str, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self, *texts: str, cut: bool = False) -> None:
        """Server-sent events; `cut` breaks the connection where the text ends."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for text in texts:
            data = text.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        if not cut:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def _route(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.requests.append(f"{self.command} {self.path}")
        route = server.routes.get(f"{self.command} {self.path.partition('?')[0]}")
        if route is None:
            self.json({"title": "There is nothing at this address", "status": 404}, 404)
        else:
            route(self)


Route = Callable[[Request], None]


class Server(ThreadingHTTPServer):
    """`routes` are keyed by `GET /path`; `requests` are all that came, with their queries."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.routes: dict[str, Route] = {}
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def in_turn(*routes: Route) -> Route:
    """The first call is answered by the first route, and so on; the last one answers all that follow."""
    left = list(routes)

    def route(request: Request) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(request)

    return route


def report(status: str = "processing", version: int = 2, **fields: Any) -> dict[str, Any]:
    """A report as the API answers it."""
    return {
        "id": REPORT_ID,
        "kind": "dowork",
        "parameters": {},
        "status": status,
        "version": version,
        "attempt": 1,
        "progress": None,
        "error": None,
        "artefact": None,
        "trace_id": TRACE_ID,
        "created_at": "2026-11-23T12:00:00.123456Z",
        "updated_at": "2026-11-23T12:00:01Z",
        "started_at": None,
        "finished_at": None,
        **fields,
    }


def event(version: int, status: str = "processing", step: dict[str, Any] | None = None, **fields: Any) -> str:
    """One server-sent event of the status stream."""
    kind = "step" if step else "status"
    data = {
        "schema_version": 1,
        "report_id": REPORT_ID,
        "kind": "dowork",
        "version": version,
        "type": kind,
        "at": "2026-11-23T12:00:00Z",
        "status": status,
        "attempt": 1,
        "step": step,
        "created_at": "2026-11-23T12:00:00Z",
        **fields,
    }
    return f"id: {version}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"


def span(
    identity: str,
    name: str,
    start_ms: float,
    duration_ms: float,
    parent: str | None = None,
    *,
    service: str = "report-worker",
    kind: str = "internal",
    reference: str = "CHILD_OF",
    error: str | None = None,
    **tags: Any,
) -> dict[str, Any]:
    """A span as Jaeger's query API writes it; `error` is its status description."""
    found = {"span.kind": kind, **{key.replace("__", "."): value for key, value in tags.items()}}
    if error is not None:
        found |= {"error": True, "otel.status_code": "ERROR", "otel.status_description": error}
    return {
        "traceID": TRACE_ID,
        "spanID": identity,
        "operationName": name,
        "references": [{"refType": reference, "traceID": TRACE_ID, "spanID": parent}] if parent else [],
        "startTime": START + round(start_ms * 1000),
        "duration": round(duration_ms * 1000),
        "tags": [{"key": key, "type": "string", "value": value} for key, value in found.items()],
        "logs": [],
        "processID": service,
        "warnings": None,
    }


def jaeger(spans: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Jaeger's answer with one trace."""
    found = list(spans)
    processes = {one["processID"]: {"serviceName": one["processID"], "tags": []} for one in found}
    trace = {"traceID": TRACE_ID, "spans": found, "processes": processes, "warnings": None}
    return {"data": [trace], "total": 0, "limit": 0, "offset": 0, "errors": None}


def spine(*, queue_ms: float | None = 20.0) -> list[dict[str, Any]]:
    """From the request to `handle_report`, 1 s in all: 10 ms of HTTP, 20 ms in Kafka, then the attempt.

    The consumer's parent is also linked, which Jaeger folds into one reference.
    """
    queue: dict[str, Any] = {} if queue_ms is None else {"report__queue_time_ms": queue_ms}
    api = {"service": "producer-api"}
    return [
        span("a1", "POST /api/v1/reports", 0, 10, kind="server", **api),
        span("a2", "report_request", 2, 7, "a1", **api),
        span("a3", "report_producer", 5, 15, "a2", kind="producer", **api),
        span("c1", "report_consumer", 40, 960, "a3", kind="consumer", reference="FOLLOWS_FROM", **queue),
        span("h1", "handle_report", 50, 940, "c1"),
    ]


def steps(names: Iterable[str], failing: str | None = None, parent: str = "h1") -> list[dict[str, Any]]:
    """One step after the other, 90 ms each, from 50 ms on."""
    return [
        span(
            f"s{number}",
            name,
            50 + 90 * number,
            90,
            parent,
            error="Something wrong!" if name == failing else None,
        )
        for number, name in enumerate(names)
    ]


DOWORK_STEPS = tuple(f"doWork:{number}" for number in range(10))


def dowork() -> list[dict[str, Any]]:
    """The spans of the article's job, as they should be."""
    return [*spine(), *steps(DOWORK_STEPS, failing="doWork:5")]
