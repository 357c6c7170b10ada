"""The demonstration shows what it promises, and says so when anything of it did not happen."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest import CaptureFixture

from tests.support.answers import TRACE_ID, dowork, event, jaeger, report, span, spine, steps
from tests.support.http_server import Request, Server, serving
from waybill_client import Report, Trace, read_trace
from waybill_client.cli import main
from waybill_client.cli.expected import EXPECTED

DOWORK, FLIGHTS = EXPECTED
IDS = {"dowork": "019ab000-0000-7000-8000-000000000001", "flights": "019ab000-0000-7000-8000-000000000002"}
TRACES = {"dowork": TRACE_ID, "flights": TRACE_ID[::-1]}
CONTENT = b"what it produced"
PLACEHOLDER = b"<p>you are running a binary that was not compiled with the UI assets</p>"
ERROR = {"type": "step_failed", "message": "doWork:5: Something wrong!", "step": "doWork:5"}
REPORTS = "/api/v1/reports"


def promised(kind: str) -> dict[str, Any]:
    """The report of a kind as it must end."""
    artefact = {
        "href": f"{REPORTS}/{IDS[kind]}/artefact",
        "filename": f"{kind}.txt",
        "media_type": "text/plain; charset=utf-8" if kind == "dowork" else "text/html",
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
    }
    status, error = ("fail", ERROR) if kind == "dowork" else ("done", None)
    fields = {"kind": kind, "id": IDS[kind], "trace_id": TRACES[kind], "artefact": artefact, "error": error}
    return report(status, 3) | fields


def spans_of(kind: str) -> list[dict[str, Any]]:
    return dowork() if kind == "dowork" else [*spine(), *steps(FLIGHTS.steps)]


def serve(server: Server, **spans: list[dict[str, Any]]) -> None:
    """The API and Jaeger as they should be, but with these spans of a kind."""

    def accept(request: Request) -> None:
        kind = request.body["kind"]
        request.json(promised(kind) | {"status": "init", "version": 1, "artefact": None}, 202)

    def route(value: Any) -> Callable[[Request], None]:
        return lambda request: request.json(value)

    def events(kind: str) -> Callable[[Request], None]:
        end = promised(kind)
        told = [event(2), event(3, end["status"], error=end["error"])]
        texts = [text.replace(IDS["dowork"], IDS[kind]).replace('"dowork"', f'"{kind}"') for text in told]
        return lambda request: request.stream(*texts)

    server.routes[f"POST {REPORTS}"] = accept
    server.routes["GET /"] = lambda request: request.bytes(b"<title>Jaeger UI</title>", "text/html")
    for kind, identity in IDS.items():
        trace = json.loads(
            json.dumps(jaeger(spans.get(kind, spans_of(kind)))).replace(TRACE_ID, TRACES[kind])
        )
        server.routes |= {
            f"GET {REPORTS}/{identity}": route(promised(kind)),
            f"GET {REPORTS}/{identity}/events": events(kind),
            f"GET {REPORTS}/{identity}/artefact": lambda request: request.bytes(CONTENT, "text/html"),
            f"GET /api/traces/{TRACES[kind]}": route(trace),
        }


def run_demo(server: Server, directory: Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "--api-url",
                server.url,
                "--jaeger-url",
                server.url,
                "demo",
                "--save",
                str(directory),
                "--timeout",
                "2",
            ]
        )
    return int(ended.value.code or 0)


def trace_of(spans: list[dict[str, Any]]) -> Trace:
    trace = read_trace(jaeger(spans))
    assert trace is not None
    return trace


class TestDemo:
    def test_it_shows_status_trace_artefact_and_addresses(
        self, tmp_path: Path, capsys: CaptureFixture[str]
    ) -> None:
        with serving() as server:
            serve(server)
            code = run_demo(server, tmp_path)
        output, errors = capsys.readouterr()

        assert (code, errors) == (0, "")
        for kind in IDS:
            assert f"{server.url}/trace/{TRACES[kind]}" in output
            assert f"{server.url}{REPORTS}/{IDS[kind]}/artefact" in output
            assert str(tmp_path / kind / f"{kind}.txt") in output
            assert (tmp_path / kind / f"{kind}.txt").read_bytes() == CONTENT
        assert output.count("(time in Kafka)") == 2
        assert "✗ doWork:5" in output
        assert "first whole trace after 0." in output

    def test_each_trace_is_saved_as_it_was_shown(self, tmp_path: Path) -> None:
        with serving() as server:
            serve(server)
            run_demo(server, tmp_path)
            for kind, trace_id in TRACES.items():
                file = tmp_path / kind / "trace.json"
                options = ["--jaeger-url", server.url, "trace", trace_id, "--same-as", str(file)]
                with pytest.raises(SystemExit) as ended:
                    main(options)
                assert not ended.value.code

    def test_a_report_s_trace_is_shown_while_the_other_still_runs(
        self, tmp_path: Path, capsys: CaptureFixture[str]
    ) -> None:
        with serving() as server:
            serve(server)
            server.routes[f"GET {REPORTS}/{IDS['flights']}/events"] = lambda request: request.stream(
                ": wait\n\n"
            )
            server.routes[f"GET {REPORTS}/{IDS['flights']}"] = lambda request: request.json(
                promised("flights") | {"status": "processing"}
            )
            run_demo(server, tmp_path)

        assert "✗ doWork:5" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("page", "headers", "name", "reason"),
        [
            (PLACEHOLDER, {}, "Jaeger", "no page: this Jaeger was built without its web pages"),
            (b"", {"Server": "waybill-trace-buffer"}, "the local trace buffer", "Jaeger is not there yet"),
        ],
        ids=["jaeger-without-pages", "trace-buffer"],
    )
    def test_no_page_is_offered_where_there_is_none(
        self,
        tmp_path: Path,
        capsys: CaptureFixture[str],
        page: bytes,
        headers: dict[str, str],
        name: str,
        reason: str,
    ) -> None:
        def route(request: Request) -> None:
            request.version_string = lambda: headers.get("Server", "")  # type: ignore[method-assign]
            request.bytes(page, "text/html")

        with serving() as server:
            serve(server)
            server.routes["GET /"] = route
            run_demo(server, tmp_path)
        output = capsys.readouterr().out

        assert f"{server.url}, {name} (no web pages)\n" in output
        assert f"{server.url}/trace/" not in output
        for trace_id in TRACES.values():
            assert f"{server.url}/api/traces/{trace_id} (JSON; " in output
        assert reason in output

    def test_a_trace_that_stays_incomplete_is_shown_and_named(
        self, tmp_path: Path, capsys: CaptureFixture[str]
    ) -> None:
        with serving() as server:
            serve(server, flights=spans_of("flights")[:-1])
            code = run_demo(server, tmp_path)
        output, errors = capsys.readouterr()

        assert code == 1
        assert f"waybill: flights: Trace {TRACES['flights']} is not complete" in errors
        assert "render not received" in errors
        assert "weather against delay" in output

    def test_a_report_that_never_ends_is_named(self, tmp_path: Path, capsys: CaptureFixture[str]) -> None:
        with serving() as server:
            serve(server)
            server.routes[f"GET {REPORTS}/{IDS['flights']}/events"] = lambda request: request.stream(
                ": wait\n\n"
            )
            server.routes[f"GET {REPORTS}/{IDS['flights']}"] = lambda request: request.json(
                promised("flights") | {"status": "processing"}
            )
            code = run_demo(server, tmp_path)

        assert code == 1
        assert "waybill: flights: it was not all there within 2 s." in capsys.readouterr().err

    def test_a_broken_artefact_is_named(self, tmp_path: Path, capsys: CaptureFixture[str]) -> None:
        with serving() as server:
            serve(server)
            path = f"GET {REPORTS}/{IDS['flights']}/artefact"
            server.routes[path] = lambda request: request.bytes(b"something else", "text/html")
            code = run_demo(server, tmp_path)

        assert code == 1
        assert "waybill: flights: The artefact flights.txt came as 14 bytes" in capsys.readouterr().err


class TestExpectedOutcome:
    """Of a report and its trace."""

    def test_it_is_kept_by_what_is_promised(self) -> None:
        for outcome in EXPECTED:
            assert outcome.differs_in_report(Report.model_validate(promised(outcome.kind))) == []
            assert outcome.differs_in_trace(trace_of(spans_of(outcome.kind))) == []

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"status": "done"}, "it ended as done (doWork:5: Something wrong!) and not as fail."),
            ({"error": None}, "the failing step is none and not doWork:5."),
            ({"artefact": None}, "there is no artefact."),
        ],
    )
    def test_a_report_that_ends_otherwise_breaks_it(self, fields: dict[str, Any], sentence: str) -> None:
        other = Report.model_validate(promised("dowork") | fields)

        assert DOWORK.differs_in_report(other) == [sentence]

    def test_another_media_type_breaks_it(self) -> None:
        other = promised("flights")
        other["artefact"]["media_type"] = "text/plain"

        assert FLIGHTS.differs_in_report(Report.model_validate(other)) == [
            "the artefact is text/plain and not text/html."
        ]

    def test_a_missing_span_breaks_it(self) -> None:
        assert DOWORK.differs_in_trace(trace_of(dowork()[:-1])) == [
            "the span doWork:9 under handle_report is missing."
        ]

    def test_a_span_too_many_breaks_it(self) -> None:
        spans = [*dowork(), span("x", "SELECT", 50, 1, "h1")]

        assert DOWORK.differs_in_trace(trace_of(spans)) == [
            "the span SELECT under handle_report does not belong there."
        ]

    def test_a_span_in_the_wrong_place_breaks_it(self) -> None:
        spans = [*dowork()[:-1], span("s9", "doWork:9", 900, 90, "c1")]

        assert DOWORK.differs_in_trace(trace_of(spans)) == [
            "the span doWork:9 under handle_report is missing.",
            "the span doWork:9 under report_consumer does not belong there.",
        ]

    def test_a_second_failing_step_breaks_it(self) -> None:
        spans = [*dowork()[:-1], span("s9", "doWork:9", 860, 90, "h1", error="too")]

        assert DOWORK.differs_in_trace(trace_of(spans)) == [
            "the failing steps of the trace are doWork:5, doWork:9."
        ]

    def test_time_in_kafka_that_was_not_recorded_breaks_it(self) -> None:
        spans = [*spine(queue_ms=None), *steps(DOWORK.steps, failing="doWork:5")]

        assert DOWORK.differs_in_trace(trace_of(spans)) == ["the time in Kafka was not recorded."]
