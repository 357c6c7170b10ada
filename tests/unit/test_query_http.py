"""Steps that call a service: what is sent, when it is sent again, and what becomes of the answer."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from report_worker.query.http import HttpQuery, Unanswered
from report_worker.query.http_rows import rows_of, table_of
from report_worker.query.sources import HttpSource
from tests.support.http_server import Request, Server, in_turn, serving
from waybill.definitions import HttpCall
from waybill.errors import PermanentError, RetryableError
from waybill.outbound import OutboundRefused

LOOPBACK = ["127.0.0.0/8"]
ROWS = [{"code": "EUR", "rate": 1.5}, {"code": "USD", "rate": 1}]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    return exporter


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Between two tries; what was asked for is kept."""
    paused: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", paused.append)
    return paused


def query(server: Server, *, seconds: float = 30, **source: Any) -> HttpQuery:
    configured = {"type": "http", "url": f"{server.url}/v1", "private_networks": LOOPBACK, **source}
    environment = {"TOKEN": "Bearer s3cret-token"}
    return HttpQuery(
        "rates",
        HttpSource.model_validate(configured),
        environment,
        "report-rates",
        timedelta(seconds=seconds),
        max_rows=10,
    )


def call(**changed: Any) -> HttpCall:
    return HttpCall.model_validate({"service": "rates", "path": "/rates/{month}", **changed})


def run(query: HttpQuery, call: HttpCall, tmp_path: Path, **values: Any) -> list[dict[str, Any]]:
    count = query.run(call, {"month": 7, **values}, tmp_path / "rates.parquet")
    found: list[dict[str, Any]] = pq.read_table(tmp_path / "rates.parquet").to_pylist()
    assert len(found) == count
    return found


def answering(value: Any, status: int = 200, **headers: str) -> Callable[[Request], None]:
    return lambda request: request.json(value, status, **headers)


def test_the_objects_of_an_answer_are_rows(server: Server, tmp_path: Path) -> None:
    server.routes["GET /v1/rates/7"] = answering({"rates": ROWS})
    assert run(query(server), call(rows="$.rates[*]"), tmp_path) == ROWS


def test_a_call_is_sent_as_it_is_defined(server: Server, tmp_path: Path) -> None:
    sent: list[tuple[dict[str, str], Any]] = []

    def route(request: Request) -> None:
        sent.append((dict(request.headers), request.body))
        request.json(ROWS)

    server.routes["POST /v1/rates/7"] = route
    defined = call(
        method="POST",
        query={"to": "{name}", "n": 3},
        headers={"X-Month": "m{month}"},
        body={"month": "{month}", "names": ["{name}"]},
    )
    source: dict[str, Any] = {"headers": {"Authorization": {"env": "TOKEN"}}}
    run(query(server, **source), defined, tmp_path, name="a&b=c")
    [(headers, body)] = sent
    assert server.requests == ["POST /v1/rates/7?to=a%26b%3Dc&n=3"]
    assert body == {"month": 7, "names": ["a&b=c"]}
    assert headers["X-Month"] == "m7"
    assert headers["Authorization"] == "Bearer s3cret-token"
    assert headers["Idempotency-Key"] == "report-rates"
    assert "traceparent" not in headers  # without tracing


@pytest.mark.parametrize(
    "failing",
    [
        answering({"error": "s3cret"}, 500),
        answering("busy", 503),
        answering("too many", 429),
        lambda request: request.connection.shutdown(socket.SHUT_RDWR),
    ],
)
def test_it_is_made_again_while_that_may_help(
    server: Server, tmp_path: Path, failing: Callable[[Request], None]
) -> None:
    server.routes["GET /v1/rates/7"] = in_turn(failing, failing, answering(ROWS))
    assert run(query(server), call(), tmp_path) == ROWS
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("defined", "status", "calls"),
    [
        (call(), 503, 3),
        (call(retry={"attempts": 1}), 503, 1),
        (call(retry={"on": ["connection"]}), 503, 1),
        (call(retry={"on": ["5xx"]}), 429, 1),
        (call(retry={"attempts": 5}), 429, 5),
    ],
)
def test_how_often(server: Server, tmp_path: Path, defined: HttpCall, status: int, calls: int) -> None:
    server.routes["GET /v1/rates/7"] = answering({}, status)
    with pytest.raises(RetryableError, match=f"answered {status}"):
        run(query(server), defined, tmp_path)
    assert len(server.requests) == calls


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_what_will_never_do_is_asked_once(server: Server, tmp_path: Path, status: int) -> None:
    server.routes["GET /v1/rates/7"] = answering(
        {"token": "x", "echo": "Bearer s3cret-token", "why": "no"}, status
    )
    source: dict[str, Any] = {"headers": {"Authorization": {"env": "TOKEN"}}}
    with pytest.raises(PermanentError, match=f"answered {status}") as refused:
        run(query(server, **source), call(), tmp_path)
    assert "why" in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert len(server.requests) == 1


def in_seconds(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("after", [str, in_seconds])
def test_a_service_says_how_long_to_wait(
    server: Server, tmp_path: Path, _no_pauses: list[float], after: Callable[[int], str]
) -> None:
    server.routes["GET /v1/rates/7"] = in_turn(answering({}, 429, Retry_After=after(50)), answering(ROWS))
    run(query(server, seconds=300), call(), tmp_path)
    [pause] = _no_pauses
    assert 1 < pause <= 50


def test_a_longer_wait_than_the_step_has_ends_it(server: Server, tmp_path: Path) -> None:
    server.routes["GET /v1/rates/7"] = answering({}, 429, Retry_After="3600")
    with pytest.raises(RetryableError, match="answered 429"):
        run(query(server), call(), tmp_path)
    assert len(server.requests) == 1


def test_a_service_that_does_not_answer(server: Server, tmp_path: Path) -> None:
    server.routes["GET /v1/rates/7"] = lambda _: time.sleep(1)
    with pytest.raises(Unanswered, match=r"did not answer within 0\.2 s"):
        run(query(server, seconds=0.2), call(), tmp_path)


def test_a_service_that_is_not_there(server: Server, tmp_path: Path) -> None:
    server.server_close()
    with pytest.raises(Unanswered, match="cannot be reached"):
        run(query(server), call(), tmp_path)


def test_a_redirect_is_not_followed(server: Server, tmp_path: Path) -> None:
    server.routes["GET /v1/rates/7"] = answering({}, 302, Location=f"{server.url}/other")
    with pytest.raises(PermanentError, match="redirects are not followed"):
        run(query(server), call(), tmp_path)
    assert len(server.requests) == 1


def test_a_private_address_must_be_listed(server: Server, tmp_path: Path) -> None:
    with pytest.raises(OutboundRefused, match="private_networks of the source rates"):
        run(query(server, private_networks=[]), call(), tmp_path)
    assert not server.requests


def test_an_answer_has_an_end(server: Server, tmp_path: Path) -> None:
    server.routes["GET /v1/rates/7"] = answering(["x" * 2_000_000])
    with pytest.raises(PermanentError, match="more than 1 MiB"):
        run(query(server, max_bytes="1MiB"), call(), tmp_path)


def test_there_may_be_too_many_rows(server: Server, tmp_path: Path) -> None:
    server.routes["GET /v1/rates/7"] = answering([{"a": 1}] * 11)
    with pytest.raises(PermanentError, match="more than 10 rows"):
        run(query(server), call(), tmp_path)


def test_without_rows_there_is_no_file(server: Server, tmp_path: Path) -> None:
    server.routes["GET /v1/rates/7"] = answering([])
    assert query(server).run(call(), {"month": 7}, tmp_path / "rates.parquet") == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Authorization": "mine"}, "is set by Waybill, or by the source"),
        ({"host": "other"}, "is set by Waybill"),
        ({"Idempotency-key": "x"}, "is set by Waybill"),
        ({"traceparent": "x"}, "is set by Waybill"),
        ({"X-Name": "{name}"}, "printable ASCII"),
    ],
)
def test_headers_that_a_definition_cannot_have(server: Server, headers: dict[str, str], reason: str) -> None:
    source: dict[str, Any] = {"headers": {"Authorization": {"env": "TOKEN"}}}
    with pytest.raises(PermanentError, match=reason):
        query(server, **source).request(call(headers=headers), {"month": 7, "name": "a\r\nX-Evil: 1"})


def test_a_secret_is_in_no_representation(server: Server) -> None:
    assert "s3cret" not in repr(query(server, headers={"Authorization": {"env": "TOKEN"}}))


class TestSpans:
    def test_each_try_is_one_and_the_service_goes_on_below_it(
        self, server: Server, tmp_path: Path, spans: InMemorySpanExporter
    ) -> None:
        parents: list[str] = []

        def route(request: Request) -> None:
            parents.append(request.headers["traceparent"])
            request.json(ROWS, 500 if len(parents) == 1 else 200)

        server.routes["GET /v1/rates/7"] = route
        run(query(server), call(query={"token": "s3cret"}), tmp_path)
        first, second = spans.get_finished_spans()
        assert [one.kind for one in (first, second)] == [SpanKind.CLIENT] * 2
        assert [one.name for one in (first, second)] == ["GET /rates/{month}"] * 2
        assert parents == [carried(first), carried(second)]
        assert (first.status.status_code, second.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
        assert attributes(first) == {
            "http.request.method": "GET",
            "http.response.status_code": 500,
            "error.type": "500",
            "server.address": "127.0.0.1",
            "server.port": server.server_port,
            "url.template": "/rates/{month}",
            "url.full": f"{server.url}/v1/rates/7?token=REDACTED",
        }
        assert attributes(second)["http.request.resend_count"] == 1

    def test_a_service_that_is_not_there(
        self, server: Server, tmp_path: Path, spans: InMemorySpanExporter
    ) -> None:
        server.server_close()
        with pytest.raises(Unanswered):
            run(query(server), call(retry={"attempts": 1}), tmp_path)
        [span] = spans.get_finished_spans()
        assert attributes(span)["error.type"] == "ConnectError"


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def carried(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    trace_id, span_id = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
    return f"00-{trace_id}-{span_id}-{context.trace_flags:02x}"


class TestRows:
    def test_columns_have_the_type_of_their_values(self) -> None:
        table = table_of(
            [
                {"i": 1, "n": 1.5, "b": True, "t": "x", "o": {"a": [1]}, "m": 1, "none": None},
                {"i": None, "n": 2, "b": False, "t": None, "o": [2], "m": "y", "large": 2**70, "wide": 2**60},
                {"i": 3, "wide": 0.5},
            ]
        )
        assert {field.name: str(field.type) for field in table.schema} == {
            **{"i": "int64", "n": "double", "b": "bool", "t": "string", "o": "string", "m": "string"},
            **{"none": "string", "large": "string", "wide": "string"},
        }
        assert table["o"].to_pylist() == ['{"a":[1]}', "[2]", None]
        assert table["m"].to_pylist() == ["1", "y", None]
        assert table["large"].to_pylist() == [None, str(2**70), None]
        assert table["wide"].to_pylist() == [None, str(2**60), "0.5"]

    @pytest.mark.parametrize(
        ("answer", "path", "reason"),
        [
            ("not json", "$[*]", "no JSON"),
            ("[NaN]", "$[*]", "NaN is no number"),
            (json.dumps('[{"a": 1}]'), "$[*]", "it is a text"),
            ("[1, 2]", "$[*]", "finds an integer in place 1"),
            ('[{"a": 1}, null]', "$[*]", "finds null in place 2"),
            ('[{"a": 1}]', "rows[*]", "cannot be used"),
            ("[" * 100_000, "$[*]", "no JSON"),
            ("\xff", "$[*]", "no JSON"),
        ],
    )
    def test_an_answer_that_has_none(self, answer: str, path: str, reason: str) -> None:
        with pytest.raises(PermanentError, match=reason):
            rows_of(answer.encode("latin-1"), path)

    def test_a_path_may_choose(self) -> None:
        answer = json.dumps({"data": [{"a": 1, "ok": True}, {"a": 2, "ok": False}]}).encode()
        assert rows_of(answer, "$.data[?@.ok == true]") == [{"a": 1, "ok": True}]
