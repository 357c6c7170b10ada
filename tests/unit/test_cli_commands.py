"""What a person and a script get from each command, and the exit code that says how it ended."""

import hashlib
import json
import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pytest import CaptureFixture

from tests.support.answers import DOWORK_STEPS, REPORT_ID, TRACE_ID, dowork, event, jaeger, report, spine
from tests.support.command import run_command
from tests.support.http_server import Request, Server, serving

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

STRANGE = "a [/red] b [red]c :key: d"

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
        return run_command(capsys, "--api-url", at, "--jaeger-url", at, *arguments)

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


def ended_the_second_time(server: Server) -> None:
    """As `ended`, in an attempt that has reused a step of the first; and a step of that has failed."""
    reused = {"name": "load", "status": "done", "duration_ms": 0, "reused": True, "reused_from_attempt": 1}
    rendered = {"name": "render", "status": "done", "duration_ms": 12}
    last = report("done", 6, attempt=2, finished_at="2026-11-23T12:00:02.623456Z")
    ended(server, "done")
    server.routes |= {
        f"GET {REPORTS}/{REPORT_ID}": lambda request: request.json(last),
        f"GET {REPORTS}/{REPORT_ID}/events": lambda request: request.stream(
            event(1, "init"),
            event(2, attempt=2),
            event(3, attempt=2, step={**reused, "status": "running", "duration_ms": None}),
            event(4, attempt=2, step=reused, progress={"step": "load", "done": 1, "total": 2}),
            event(5, attempt=2, step=rendered, progress={"step": "render", "done": 2, "total": 2}),
            event(6, "done", attempt=2),
        ),
    }


def letter(**fields: object) -> dict[str, object]:
    """A dead letter as the API answers it."""
    return {
        "id": REPORT_ID,
        "reason": "error",
        "detail": "",
        "topic": "report",
        "partition": 0,
        "offset": 7,
        "created_at": "2026-11-23T12:00:00Z",
        **fields,
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

    def test_a_report_is_requested_once_more(self, server: Server, waybill: Waybill) -> None:
        ended(server, "done", rerun_of=TRACE_ID)
        bodies = []

        def accept(request: Request) -> None:
            bodies.append(request.body)
            request.json(report("init", 1), 202)

        server.routes[f"POST {REPORTS}"] = accept
        code, written, _ = waybill("rerun", REPORT_ID, "-p", "month=8", "-p", "day=null", "--tag", "again")

        assert (code, written) == (0, f"{REPORT_ID}\n")
        assert bodies == [{"rerun_of": REPORT_ID, "parameters": {"month": 8, "day": None}, "tags": ["again"]}]
        assert "rerun of    8a69b07b" in waybill("show", REPORT_ID)[1]

    def test_parameters_of_a_set_are_those_that_are_not_given(self, server: Server, waybill: Waybill) -> None:
        kept = {"kind": "flights", "name": "a b", "owner": "ann", "parameters": {"month": 7, "carrier": "B6"}}
        times = dict.fromkeys(("created_at", "updated_at"), "2026-11-23T12:00:00Z")
        bodies = []

        def accept(request: Request) -> None:
            bodies.append(request.body)
            request.json(report("init", 1), 202)

        path = "/api/v1/kinds/flights/parameter-sets/a%20b"
        server.routes[f"GET {path}"] = lambda request: request.json({**kept, **times})
        server.routes[f"POST {REPORTS}"] = accept
        code, _, _ = waybill("request", "flights", "--set", "a b", "-p", "month=8")

        assert (code, bodies[0]["parameters"]) == (0, {"month": 8, "carrier": "B6"})

    def test_tags_are_sent_and_shown(self, server: Server, waybill: Waybill) -> None:
        ended(server, "done", tags=["month-end", "sales"])
        bodies = []

        def accept(request: Request) -> None:
            bodies.append(request.body)
            request.json(report("init", 1), 202)

        server.routes[f"POST {REPORTS}"] = accept
        waybill("request", "dowork", "--tag", "month-end", "--tag", "sales")

        assert bodies == [{"kind": "dowork", "parameters": {}, "tags": ["month-end", "sales"]}]
        assert "tags        month-end, sales" in waybill("show", REPORT_ID)[1]
        assert waybill("list")[1].splitlines()[0].split()[-1] == "tags"

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("-p", "month"), "'month' is not name=value"),
            (("--parameters", "{"), "not JSON"),
            (("--parameters", "[1]"), "a JSON object is needed"),
            (("--parameters", '{"x": NaN}'), "not JSON: NaN is no number of JSON"),
        ],
    )
    def test_wrong_parameters_are_a_usage_error(
        self, waybill: Waybill, arguments: tuple[str, ...], sentence: str
    ) -> None:
        code, _, errors = waybill("request", "flights", *arguments)

        assert code == 2
        assert sentence in errors

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
    def test_what_is_no_number_of_json_is_text(self, server: Server, waybill: Waybill, value: str) -> None:
        bodies = []

        def accept(request: Request) -> None:
            bodies.append(request.body)
            request.json(report("init", 1), 202)

        server.routes[f"POST {REPORTS}"] = accept

        assert waybill("request", "dowork", "-p", f"x={value}")[0] == 0
        assert bodies[0]["parameters"] == {"x": value}

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("--key", "ключ"), "'ключ' cannot be encoded as ascii"),
            (("--key", "a\nb"), "Illegal header value b'a\\nb'"),
            (("-p", r'x="\ud800"'), r"'\ud800' cannot be encoded as utf-8"),
        ],
    )
    def test_what_cannot_be_sent_is_a_sentence(
        self, server: Server, waybill: Waybill, arguments: tuple[str, str], sentence: str
    ) -> None:
        ended(server, "done")

        assert waybill("request", "dowork", *arguments) == (
            2,
            "",
            f"waybill: The request cannot be sent: {sentence}.\n",
        )

    def test_a_key_is_sent_as_it_is(self, server: Server, waybill: Waybill) -> None:
        keys = []

        def refuse(request: Request) -> None:
            keys.append(request.headers["Idempotency-Key"])
            request.json({"title": "The key is wrong", "status": 422}, 422)

        server.routes[f"POST {REPORTS}"] = refuse

        assert waybill("request", "dowork", "--key", "")[0] == 2
        assert keys == [""]

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

    def test_follow_says_which_steps_did_not_run(self, server: Server, waybill: Waybill) -> None:
        ended_the_second_time(server)

        lines = waybill("follow", REPORT_ID)[1].splitlines()

        assert lines[2].endswith("1/2 load done, reused from attempt 1")
        assert lines[3].endswith("2/2 render done, 12 ms")

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

    def test_show_tells_which_steps_did_not_run(self, server: Server, waybill: Waybill) -> None:
        ended_the_second_time(server)

        facts = [line.strip() for line in waybill("show", REPORT_ID)[1].splitlines()]

        assert facts[facts.index("attempt     2") + 1] == "reused from attempt 1: load"

    def test_show_does_without_that_where_it_gets_no_events(self, server: Server, waybill: Waybill) -> None:
        ended_the_second_time(server)
        problem = {"title": "Too many streams", "status": 403}
        server.routes[f"GET {REPORTS}/{REPORT_ID}/events"] = lambda request: request.json(problem, 403)

        code, output, _ = waybill("show", REPORT_ID)

        assert (code, "reused" in output) == (0, False)
        assert "attempt     2\n" in output

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

    def test_kinds_shows_what_cannot_be_used(self, server: Server, waybill: Waybill) -> None:
        broken = {"name": "sales", "reason": "two packages offer it"}
        server.routes["GET /api/v1/kinds"] = lambda request: request.json(KINDS | {"unavailable": [broken]})
        code, overview, _ = waybill("kinds")
        refused, _, errors = waybill("kinds", "sales")

        assert code == 0
        assert "flights" in overview
        assert "sales" in overview
        assert "cannot be used" in overview
        assert refused != 0
        assert "the kind sales cannot be used: two packages offer it" in " ".join(errors.split())

    def test_kinds_shows_the_parameters(self, server: Server, waybill: Waybill) -> None:
        server.routes["GET /api/v1/kinds"] = lambda request: request.json(KINDS)
        _, overview, _ = waybill("kinds")
        _, flights, _ = waybill("kinds", "flights")

        assert "flights  Departures  A page to print." in overview
        assert "month      integer, 1 to 12 or null  null      A month of 2013." in flights
        assert "carrier    string                    required" in flights
        assert "waybill request flights -p month=7 -p carrier=B6 --follow" in flights

    def test_kinds_shows_what_is_paused_or_limited(self, server: Server, waybill: Waybill) -> None:
        paused = {"paused_at": "2026-01-01T00:00:00Z", "reason": "no data", "max_running": 3}
        kind = {**KINDS["kinds"][0], **paused}
        server.routes["GET /api/v1/kinds"] = lambda request: request.json({"kinds": [kind]})
        for command in (("kinds",), ("kinds", "flights"), ("kinds", "show", "flights")):
            output = " ".join(waybill(*command)[1].split())
            assert "days ago: no data)" in output, command
            assert "(at most 3 at once)" in output, command

    @pytest.mark.parametrize(("offered_by", "is_said"), [(0, True), (2, False), (None, False)])
    def test_kinds_shows_what_no_worker_offers(
        self, server: Server, waybill: Waybill, offered_by: int | None, is_said: bool
    ) -> None:
        kind = {**KINDS["kinds"][0], "offered_by": offered_by}
        server.routes["GET /api/v1/kinds"] = lambda request: request.json({"kinds": [kind]})
        for command in (("kinds",), ("kinds", "flights")):
            output = " ".join(waybill(*command)[1].split())
            assert ("(no worker offers it)" in output) is is_said, command
        assert json.loads(waybill("kinds", "--json")[1])["kinds"][0]["offered_by"] == offered_by

    @pytest.mark.parametrize(
        ("command", "path", "body", "printed"),
        [
            (("pause", "flights", "--reason", "no data"), "pause", {"reason": "no data"}, "paused"),
            (("pause", "flights"), "pause", {"reason": None}, "paused"),
            (("resume", "flights"), "resume", None, "resumed"),
            (("limit", "flights", "3"), "limit", {"max_running": 3}, "set"),
            (("limit", "flights", "none"), "limit", {"max_running": None}, "set"),
        ],
    )
    def test_a_kind_is_paused_resumed_and_limited(
        self, server: Server, waybill: Waybill, command: tuple[str, ...], path: str, body: Any, printed: str
    ) -> None:
        bodies = []

        def change(request: Request) -> None:
            bodies.append(request.body)
            request.json({"kind": "flights", "max_running": 3})

        server.routes[f"POST /api/v1/kinds/flights:{path}"] = change

        assert waybill("kinds", *command) == (0, f"{printed}\n", "")
        assert bodies == [body]
        assert json.loads(waybill("kinds", *command, "--json")[1])["max_running"] == 3

    @pytest.mark.parametrize("number", ["-1", "many", "1.5", "²"])
    def test_what_is_no_limit_is_a_usage_error(self, waybill: Waybill, number: str) -> None:
        assert waybill("kinds", "limit", "flights", "--", number)[0] == 2

    def test_show_says_what_has_become_of_its_webhook(self, server: Server, waybill: Waybill) -> None:
        webhook = {
            "url": "https://example.com/hook",
            "status": "failed",
            "version": 4,
            "attempts": 2,
            "last_status": 503,
            "last_error": "It answered 503.",
            "next_try_at": "2026-11-23T12:05:00Z",
        }
        server.routes[f"GET {REPORTS}/{REPORT_ID}"] = lambda request: request.json(
            report("done", 4, webhook=webhook)
        )

        _, output, _ = waybill("show", REPORT_ID)

        assert "failed, https://example.com/hook; 2 calls; It answered 503; the next at 2026-11-23" in output

    def test_request_sends_the_url_of_a_webhook(self, server: Server, waybill: Waybill) -> None:
        sent: list[Any] = []

        def take(request: Request) -> None:
            sent.append(request.body)
            request.json(report("init", 1), 202)

        server.routes[f"POST {REPORTS}"] = take

        assert waybill("request", "dowork", "--webhook", "https://example.com/hook")[0] == 0
        assert waybill("request", "dowork")[0] == 0
        assert [body.get("webhook") for body in sent] == [{"url": "https://example.com/hook"}, None]

    def test_show_says_that_the_kind_is_paused(self, server: Server, waybill: Waybill) -> None:
        server.routes[f"GET {REPORTS}/{REPORT_ID}"] = lambda request: request.json(
            report("init", 1, kind_paused=True)
        )

        assert "init (kind paused)" in waybill("show", REPORT_ID)[1]

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

    @pytest.mark.parametrize(
        "arguments",
        [("artefact", REPORT_ID, "-o"), ("request", "dowork", "--save"), ("trace", REPORT_ID, "--svg")],
    )
    def test_a_file_that_cannot_be_written_is_a_sentence(
        self, server: Server, waybill: Waybill, tmp_path: Path, arguments: tuple[str, ...]
    ) -> None:
        ended(server, "done", artefact=ARTEFACT)
        (tmp_path / "file").touch()
        code, _, errors = waybill(*arguments, f"{tmp_path}/file/x")

        assert (code, errors) == (2, f"waybill: Cannot write {tmp_path}/file/x: Not a directory.\n")

    @pytest.mark.parametrize(
        "example",
        [
            {"text": "two words; $HOME 'quoted'"},
            {"number": "123", "nothing": "null", "none": "NaN", "empty": ""},
            {"list": ["a b", 1], "object": {"a": None}, "number": 7, "true": True},
        ],
    )
    def test_a_kinds_example_works_in_a_shell(
        self, server: Server, waybill: Waybill, example: dict[str, Any]
    ) -> None:
        kind = {**KINDS["kinds"][0], "parameters": {"examples": [example]}}
        server.routes["GET /api/v1/kinds"] = lambda request: request.json({"kinds": [kind]})
        line = waybill("kinds", "flights")[1].splitlines()[-1]
        bodies = []

        def accept(request: Request) -> None:
            bodies.append(request.body)
            request.json(report("init", 1), 202)

        server.routes[f"POST {REPORTS}"] = accept
        waybill(*shlex.split(line)[1:-1])

        assert shlex.split(line)[0] == "waybill"
        assert bodies == [{"kind": "flights", "parameters": example}]


class TestAsItIs:
    """What comes from elsewhere is shown as it came."""

    def test_a_dead_letters_detail(self, server: Server, waybill: Waybill) -> None:
        server.routes["GET /api/v1/dead-letters"] = lambda request: request.json(
            {"dead_letters": [letter(detail=STRANGE)], "next_cursor": None}
        )

        code, table, _ = waybill("dead-letters")
        assert code == 0
        for word in STRANGE.split():
            assert word in table
        assert json.loads(waybill("dead-letters", "--json")[1])["dead_letters"][0]["detail"] == STRANGE

    def test_a_kinds_words(self, server: Server, waybill: Waybill) -> None:
        schema = {"properties": {"a": {"type": "string", "pattern": "^[a-z_]+$", "description": ":key:"}}}
        kind = {"name": "x", "title": "[/red]", "description": ":key:", "parameters": schema}
        server.routes["GET /api/v1/kinds"] = lambda request: request.json({"kinds": [kind]})

        assert "x     [/red]  :key:" in waybill("kinds")[1]
        one = waybill("kinds", "x")[1]
        assert "x: [/red]. :key:" in one
        assert "string, like ^[a-z_]+$  null     :key:" in one

    def test_a_reports_words(self, server: Server, waybill: Waybill, tmp_path: Path) -> None:
        ended(server, "done", artefact=ARTEFACT, parameters={"at": "s3:key:x"})
        place = tmp_path / "[red]"
        place.mkdir()

        assert '"at": "s3:key:x"' in waybill("show", REPORT_ID, "--json")[1]
        assert f"Saved {place}/report.html\n" in waybill("request", "dowork", "--save", str(place))[1]


class TestFromStart:
    @pytest.mark.parametrize(
        ("command", "path"),
        [
            (("retry", REPORT_ID), f"{REPORTS}/{REPORT_ID}:retry"),
            (("redrive", "--reason", "timed_out"), "/api/v1/dead-letters:redrive"),
        ],
    )
    def test_it_is_asked_for_only_where_it_is_wanted(
        self, server: Server, waybill: Waybill, command: tuple[str, ...], path: str
    ) -> None:
        sent: list[object] = []
        answer = {**report("init", 6), "reports": [], "refused": []}

        def restart(request: Request) -> None:
            sent.append((request.body or {}).get("from_start"))
            request.json(answer, 202)

        server.routes[f"POST {path}"] = restart
        waybill(*command)
        waybill(*command, "--from-start")

        assert sent == [None, True]


class TestRedrive:
    def answers(self, server: Server, reports: int, refused: int) -> None:
        refusal = {"id": REPORT_ID, "detail": "The message still cannot be read: [/red]"}
        answer = {"reports": [REPORT_ID] * reports, "refused": [refusal] * refused}
        server.routes["POST /api/v1/dead-letters:redrive"] = lambda request: request.json(answer, 202)

    def test_a_message_that_stays_is_no_failure(self, server: Server, waybill: Waybill) -> None:
        self.answers(server, reports=1, refused=1)
        code, output, errors = waybill("redrive")

        assert (code, output) == (0, f"{REPORT_ID}\n")
        assert errors.endswith(": The message still cannot be read: [/red]\n")

    def test_what_was_asked_for_by_its_reason_and_stays_is_one(
        self, server: Server, waybill: Waybill
    ) -> None:
        self.answers(server, reports=1, refused=1)

        assert waybill("redrive", "--reason", "not_json")[0] == 1

    def test_at_the_limit_it_says_how_to_go_on(self, server: Server, waybill: Waybill) -> None:
        self.answers(server, reports=2, refused=1)
        assert waybill("redrive", "--limit", "3")[2].splitlines()[-1] == "There may be more: run it again."
        assert "There may be more" not in waybill("redrive", "--limit", "4")[2]

        self.answers(server, reports=0, refused=3)
        assert "give a --reason, or a larger --limit" in waybill("redrive", "--limit", "3")[2]


class TestTrace:
    @pytest.mark.parametrize("identity", [REPORT_ID, TRACE_ID])
    def test_it_takes_a_reports_id_or_a_traces(self, server: Server, waybill: Waybill, identity: str) -> None:
        ended(server, "fail")
        code, output, _ = waybill("trace", identity)

        assert code == 0
        assert f"Trace {TRACE_ID}" in output

    @pytest.mark.parametrize("command", [("trace", REPORT_ID), ("request", "dowork", "--trace")])
    def test_a_report_whose_request_was_not_sampled_is_said_to_have_none(
        self, server: Server, waybill: Waybill, command: tuple[str, ...]
    ) -> None:
        ended(server, "done", trace_id=None)

        code, _, error = waybill(*command)

        assert code == 1
        assert error == (
            f"waybill: Report {REPORT_ID} has no trace: its request was not sampled, or the service sends no "
            "spans.\n"
        )
        assert not [request for request in server.requests if "/api/traces" in request], "none is waited for"

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

    def test_a_parameter_that_is_unknown_here_is_no_obstacle(self, server: Server, waybill: Waybill) -> None:
        ended(server, "fail", parameters={"only_the_server_knows": 1})
        code, output, _ = waybill("trace", REPORT_ID)

        assert code == 0
        assert f"Trace {TRACE_ID}" in output

    def test_json_has_every_span(self, server: Server, waybill: Waybill) -> None:
        ended(server, "fail")
        spans = json.loads(waybill("trace", TRACE_ID, "--json")[1])["spans"]

        assert [span["name"] for span in spans][-10:] == list(DOWORK_STEPS)

    def test_a_trace_is_compared_with_one_that_was_saved(
        self, server: Server, waybill: Waybill, tmp_path: Path
    ) -> None:
        ended(server, "fail")
        file = tmp_path / "trace.json"
        file.write_text(waybill("trace", TRACE_ID, "--json")[1])

        code, output, _ = waybill("trace", TRACE_ID, "--same-as", str(file))

        assert code == 0
        assert output == f"Trace {TRACE_ID}: read from Jaeger, 15 spans, each as saved\n"

    def test_what_differs_from_a_saved_trace_is_named(
        self, server: Server, waybill: Waybill, tmp_path: Path
    ) -> None:
        ended(server, "fail")
        file = tmp_path / "trace.json"
        file.write_text(waybill("trace", TRACE_ID, "--json")[1])
        spans = dowork()
        spans[5]["duration"] += 1
        spans[6]["tags"].append({"key": "more", "type": "string", "value": "x"})
        spans.append({**spans[7], "spanID": "s99"})
        server.routes[f"GET /api/traces/{TRACE_ID}"] = lambda request: request.json(jaeger(spans))

        code, _, errors = waybill("trace", TRACE_ID, "--same-as", str(file))

        assert code == 1
        assert errors.splitlines() == [
            "Span doWork:2 (s99) was not there before.",
            "Span doWork:0 (s0): duration is 90001 and was 90000.",
            "Span doWork:1 (s1): attributes.more is 'x' and was None.",
        ]

    def test_a_span_that_is_not_there_is_waited_for_and_named(
        self, server: Server, waybill: Waybill, tmp_path: Path
    ) -> None:
        ended(server, "fail")
        file = tmp_path / "trace.json"
        file.write_text(waybill("trace", TRACE_ID, "--json")[1])
        server.routes[f"GET /api/traces/{TRACE_ID}"] = lambda request: request.json(jaeger(dowork()[:-1]))

        code, _, errors = waybill("trace", TRACE_ID, "--same-as", str(file), "--wait", "0.3")

        assert code == 1
        assert "doWork:9 not received" in errors

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", '{"spans": [{}]}', '{"spans": [{"id": "a"}]}', '{"spans": 1}']
    )
    def test_a_file_that_is_no_saved_trace_is_refused(
        self, waybill: Waybill, tmp_path: Path, text: str
    ) -> None:
        file = tmp_path / "trace.json"
        file.write_text(text)

        code, _, errors = waybill("trace", TRACE_ID, "--same-as", str(file))

        assert code == 2
        assert "is not what 'waybill trace --json' prints" in " ".join(errors.replace("│", " ").split())

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
        "logs",
        "list",
        "kinds",
        "artefact",
        "trace",
        "demo",
        "keys",
        "audit",
        "migrate",
        "topics",
        "create-key",
    ):
        assert f"│ {command} " in output
        assert waybill(command, "--help")[0] == 0


class TestSpans:
    def test_it_shows_each_below_its_parent(self, server: Server, waybill: Waybill) -> None:
        start = "2026-11-23T12:00:0"
        spans = [
            {"id": "1", "name": "report", "start": f"{start}0Z"},
            {"id": "2", "parent": "1", "name": "waiting", "start": f"{start}0Z", "duration_ms": 1500},
            {"id": "3", "parent": "1", "name": "handle_report", "start": f"{start}1.5Z"},
            {"id": "4", "parent": "3", "name": "render", "start": f"{start}2Z", "error": "No ink."},
        ]
        answer = {"report_id": REPORT_ID, "source": "database", "spans": spans}
        server.routes[f"GET {REPORTS}/{REPORT_ID}/trace"] = lambda request: request.json(answer)

        _, written, _ = waybill("spans", REPORT_ID)

        assert [" ".join(line.split()) for line in written.splitlines()[1:]] == [
            "0 µs runs report",
            "0 µs 1.50 s waiting",
            "1.50 s runs handle_report",
            "2.00 s runs render No ink.",
        ]


class TestList:
    def test_what_is_looked_for_is_sent(self, server: Server, waybill: Waybill) -> None:
        ended(server, "done")
        code, _, _ = waybill(
            *("list", "--status", "done", "--status", "fail", "--kind", "dowork", "--owner", "ann"),
            *("--tag", "month-end", "--since", "2026-11-23T12:00:00+00:00", "--until", "0s"),
            *("--error", "a b", "--parameter", "month=7", "-p", "day=x"),
        )

        assert code == 0
        (asked,) = server.requests
        sent = dict(parse_qsl(asked.partition("?")[2]))
        assert abs((datetime.now(UTC) - datetime.fromisoformat(sent.pop("created_before"))).seconds) < 60
        assert sent == {
            "status": "done,fail",
            "kind": "dowork",
            "owner": "ann",
            "tag": "month-end",
            "created_after": "2026-11-23T12:00:00+00:00",
            "error": "a b",
            "parameter.month": "7",
            "parameter.day": "x",
            "limit": "20",
        }

    @pytest.mark.parametrize("time", ["yesterday", "2 weeks", "2026-13-01", "9999999d", ""])
    def test_a_time_that_is_none_is_a_usage_error(self, waybill: Waybill, time: str) -> None:
        code, _, errors = waybill("list", "--since", time)

        assert code == 2
        assert "neither a time" in errors

    def test_a_search_goes_on_behind_pages_that_are_empty(self, server: Server, waybill: Waybill) -> None:
        pages = iter(range(30))

        def answer(request: Request) -> None:
            number = next(pages)
            found = [report("done")] if number == 20 else []
            request.json({"reports": found, "next_cursor": str(number) if number < 20 else None})

        server.routes[f"GET {REPORTS}"] = answer
        assert waybill("list", "--tag", "x")[1].count(REPORT_ID) == 1

    def test_a_list_does_not(self, server: Server, waybill: Waybill) -> None:
        server.routes[f"GET {REPORTS}"] = lambda request: request.json({"reports": [], "next_cursor": "x"})

        code, _, errors = waybill("list")

        assert (code, "no end" in errors) == (1, True)
