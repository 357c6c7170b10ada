"""What a person and a script get from each command, and the exit code that says how it ended."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest import CaptureFixture

from tests.support.answers import DOWORK_STEPS, REPORT_ID, TRACE_ID, dowork, event, jaeger, report, spine
from tests.support.http_server import Request, Server, serving
from waybill.cli import main

REPORTS = "/api/v1/reports"
PAGE = b"<html>a page</html>"
ARTEFACT = {
    "href": f"{REPORTS}/{REPORT_ID}/artefact",
    "filename": "report.html",
    "media_type": "text/html",
    "size": len(PAGE),
    "sha256": hashlib.sha256(PAGE).hexdigest(),
}
KINDS = {
    "kinds": [
        {
            "name": "flights",
            "title": "Departures",
            "description": "A page to print.",
            "parameters": {
                "examples": [{"month": 7, "carrier": "B6"}],
                "properties": {
                    "month": {
                        "anyOf": [{"type": "integer", "minimum": 1, "maximum": 12}, {"type": "null"}],
                        "default": None,
                        "description": "A month of 2013.",
                    },
                    "carrier": {"type": "string"},
                },
                "required": ["carrier"],
            },
        }
    ]
}

Waybill = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server() -> Iterator[Server]:
    """The API and Jaeger at one address."""
    with serving() as server:
        yield server


@pytest.fixture
def waybill(server: Server, capsys: CaptureFixture[str]) -> Waybill:
    """Runs a command; answers its exit code and what it wrote to standard output and standard error."""

    def run(*arguments: str, at: str = server.url) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--api-url", at, "--jaeger-url", at, *arguments])
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out, written.err

    return run


def ended(server: Server, status: str, **fields: object) -> None:
    """The server knows one report, which ended so after two steps."""
    steps = [{"name": f"doWork:{number}", "status": "done", "duration_ms": 12} for number in range(2)]
    progress = {"step": "doWork:1", "done": 2, "total": 2}
    last = report(status, 5, progress=progress, finished_at="2026-11-23T12:00:02.623456Z", **fields)
    server.routes |= {
        f"POST {REPORTS}": lambda request: request.json(report("init", 1), 202),
        f"GET {REPORTS}": lambda request: request.json({"reports": [last], "next_cursor": None}),
        f"GET {REPORTS}/{REPORT_ID}": lambda request: request.json(last),
        f"GET {REPORTS}/{REPORT_ID}/events": lambda request: request.stream(
            event(1, "init"),
            event(2),
            *(event(3 + number, step=step, progress=progress) for number, step in enumerate(steps)),
            event(5, status, error=fields.get("error"), artefact=fields.get("artefact")),
        ),
        f"GET {REPORTS}/{REPORT_ID}/artefact": lambda request: request.bytes(PAGE, "text/html"),
        f"GET /api/traces/{TRACE_ID}": lambda request: request.json(jaeger(dowork())),
    }


class TestRequest:
    def test_it_prints_the_id_at_once(self, server: Server, waybill: Waybill) -> None:
        ended(server, "done")

        assert waybill("request", "dowork") == (0, f"{REPORT_ID}\n", "")
        assert server.requests == [f"POST {REPORTS}"]

    def test_parameters_are_json_or_else_text(self, server: Server, waybill: Waybill) -> None:
        bodies = []

        def accept(request: Request) -> None:
            bodies.append(request.body)
            request.json(report("init", 1), 202)

        server.routes[f"POST {REPORTS}"] = accept
        text = '{"month": 1, "days": [1]}'
        waybill(
            "request",
            "flights",
            "-p",
            "month=2",
            "-p",
            "carrier=B6",
            "-p",
            "airport=null",
            "--parameters",
            text,
        )

        assert bodies[0]["parameters"] == {"month": 2, "days": [1], "carrier": "B6", "airport": None}

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("-p", "month"), "'month' is not name=value"),
            (("--parameters", "{"), "not JSON"),
            (("--parameters", "[1]"), "a JSON object is needed"),
        ],
    )
    def test_wrong_parameters_are_a_usage_error(
        self, waybill: Waybill, arguments: tuple[str, ...], sentence: str
    ) -> None:
        code, _, errors = waybill("request", "flights", *arguments)

        assert code == 2
        assert sentence in errors

    def test_follow_shows_every_change_with_its_second(self, server: Server, waybill: Waybill) -> None:
        ended(server, "done", artefact=ARTEFACT)
        code, output, _ = waybill("request", "dowork", "--follow")
        lines = [line.split(maxsplit=3)[2:] for line in output.splitlines()]

        assert code == 0
        assert lines == [
            ["dowork", "init"],
            ["dowork", "processing"],
            ["dowork", "processing 2/2 doWork:0 done, 12 ms"],
            ["dowork", "processing 2/2 doWork:1 done, 12 ms"],
            ["dowork", "done       report.html, 19 bytes"],
        ]

    def test_a_report_that_fails_ends_with_1_and_its_reason(self, server: Server, waybill: Waybill) -> None:
        ended(server, "fail", error={"type": "step_failed", "message": "doWork:1: Something wrong!"})
        code, output, _ = waybill("request", "dowork", "--follow")

        assert code == 1
        assert output.splitlines()[-1].endswith("fail       ✗ doWork:1: Something wrong!")

    def test_trace_and_save_imply_follow(self, server: Server, waybill: Waybill, tmp_path: Path) -> None:
        ended(server, "done", artefact=ARTEFACT)
        code, output, _ = waybill("request", "dowork", "--trace", "--save", str(tmp_path))

        assert code == 0
        assert f"Saved {tmp_path}/report.html" in output
        assert "(time in Kafka)" in output
        assert (tmp_path / "report.html").read_bytes() == PAGE

    def test_json_is_the_report_as_it_ended(self, server: Server, waybill: Waybill) -> None:
        ended(server, "done")
        _, output, _ = waybill("request", "dowork", "--follow", "--json")

        assert json.loads(output)["status"] == "done"

    def test_a_problem_ends_with_2(self, server: Server, waybill: Waybill) -> None:
        problem = {
            "title": "There is no such kind of report",
            "status": 422,
            "detail": "the kinds are: dowork",
        }
        server.routes[f"POST {REPORTS}"] = lambda request: request.json(problem, 422)

        assert waybill("request", "x") == (
            2,
            "",
            "waybill: There is no such kind of report: the kinds are: dowork.\n",
        )


class TestReading:
    def test_show_tells_the_facts(self, server: Server, waybill: Waybill) -> None:
        ended(server, "done", artefact=ARTEFACT)
        code, output, _ = waybill("show", REPORT_ID)

        assert code == 0
        assert "after 2.50 s" in output
        assert f"{server.url}{REPORTS}/{REPORT_ID}/artefact" in output.replace("\n", "").replace(" ", "")

    def test_list_is_a_table_of_80_columns(self, server: Server, waybill: Waybill) -> None:
        ended(server, "fail")
        code, output, _ = waybill("list", "--status", "fail", "--kind", "dowork", "--limit", "3")
        header, row = output.splitlines()

        assert code == 0
        assert header.split() == ["id", "kind", "status", "requested", "took"]
        assert row.split()[:3] == [REPORT_ID, "dowork", "fail"]
        assert max(len(header), len(row)) <= 80
        assert server.requests == [f"GET {REPORTS}?status=fail&kind=dowork&limit=3"]

    def test_list_as_json(self, server: Server, waybill: Waybill) -> None:
        ended(server, "fail")

        assert json.loads(waybill("list", "--json")[1])["reports"][0]["id"] == REPORT_ID

    def test_follow_as_json_is_a_line_for_each_event(self, server: Server, waybill: Waybill) -> None:
        ended(server, "cancelled")
        code, output, _ = waybill("follow", REPORT_ID, "--json")

        assert code == 1
        assert [json.loads(line)["version"] for line in output.splitlines()] == [1, 2, 3, 4, 5]

    def test_kinds_shows_the_parameters(self, server: Server, waybill: Waybill) -> None:
        server.routes["GET /api/v1/kinds"] = lambda request: request.json(KINDS)
        _, overview, _ = waybill("kinds")
        _, flights, _ = waybill("kinds", "flights")

        assert "flights  Departures  A page to print." in overview
        assert "month      integer, 1 to 12 or null  null     A month of 2013." in flights
        assert "carrier    string                    needed" in flights
        assert "waybill request flights -p month=7 -p carrier=B6 --follow" in flights

    def test_an_unknown_kind_names_those_that_are_known(self, server: Server, waybill: Waybill) -> None:
        server.routes["GET /api/v1/kinds"] = lambda request: request.json(KINDS)
        code, _, errors = waybill("kinds", "trains")

        assert code == 2
        assert "The kinds are: flights." in errors

    def test_an_artefact_goes_to_a_file_or_to_standard_output(
        self, server: Server, waybill: Waybill, tmp_path: Path
    ) -> None:
        ended(server, "done", artefact=ARTEFACT)

        assert waybill("artefact", REPORT_ID, "-o", str(tmp_path)) == (0, f"{tmp_path}/report.html\n", "")
        assert waybill("artefact", REPORT_ID, "-o", "-")[1] == PAGE.decode()


class TestTrace:
    @pytest.mark.parametrize("identity", [REPORT_ID, TRACE_ID])
    def test_it_takes_a_reports_id_or_a_traces(self, server: Server, waybill: Waybill, identity: str) -> None:
        ended(server, "fail")
        code, output, _ = waybill("trace", identity)

        assert code == 0
        assert f"Trace {TRACE_ID}" in output

    def test_a_trace_that_is_not_whole_is_shown_and_ends_with_1(
        self, server: Server, waybill: Waybill
    ) -> None:
        ended(server, "fail")
        server.routes[f"GET /api/traces/{TRACE_ID}"] = lambda request: request.json(jaeger(spine()[:3]))
        code, output, _ = waybill("trace", REPORT_ID, "--wait", "0")

        assert code == 1
        assert "Not complete: no span of report-worker has arrived." in output
        assert "report_producer" in output

    def test_a_running_report_shows_what_has_arrived(self, server: Server, waybill: Waybill) -> None:
        server.routes[f"GET {REPORTS}/{REPORT_ID}"] = lambda request: request.json(report())
        server.routes[f"GET /api/traces/{TRACE_ID}"] = lambda request: request.json(jaeger(spine()[:3]))

        code, output, note = waybill("trace", REPORT_ID)

        assert code == 0
        assert "report_producer" in output
        assert note == "The report is still at processing; this is what has arrived of its trace.\n"

    def test_json_has_every_span(self, server: Server, waybill: Waybill) -> None:
        ended(server, "fail")
        spans = json.loads(waybill("trace", TRACE_ID, "--json")[1])["spans"]

        assert [span["name"] for span in spans][-10:] == list(DOWORK_STEPS)

    def test_another_id_is_a_usage_error(self, waybill: Waybill) -> None:
        code, _, errors = waybill("trace", "nonsense")

        assert code == 2
        assert "'nonsense' is neither a report's id nor a trace id." in errors


def test_a_server_that_is_not_there_ends_with_3_and_one_sentence(waybill: Waybill) -> None:
    code, output, errors = waybill("list", at="http://127.0.0.1:1")

    assert (code, output) == (3, "")
    assert errors == (
        "waybill: Cannot reach Waybill's API at http://127.0.0.1:1: connection refused. "
        "Give its address with --api-url or WAYBILL_API_URL.\n"
    )


def test_every_command_has_a_help(waybill: Waybill) -> None:
    code, output, _ = waybill("--help")

    assert code == 0
    for command in (
        "request",
        "follow",
        "show",
        "list",
        "kinds",
        "artefact",
        "trace",
        "demo",
        "migrate",
        "topics",
    ):
        assert f"│ {command} " in output
        assert waybill(command, "--help")[0] == 0
