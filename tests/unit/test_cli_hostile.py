"""Whatever a server puts into its texts, the terminal of the person who reads them obeys none of it."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from pytest import CaptureFixture, MonkeyPatch

from tests.support.answers import REPORT_ID, TRACE_ID, event, jaeger, report, span
from tests.support.http_server import Request, Server, serving
from waybill_client.cli import main
from waybill_client.cli.app import app

HOSTILE = "a\x1b]0;owned\x07\x1b[2Jb\x9b31mc\rd\x08e\u202ef\x7fg"
SHOWN = r"a\x1b]0;owned\x07\x1b[2Jb\x9b31mc\rd\x08e\u202ef\x7fg"
OF_A_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
"""What rich itself writes to one: colours, and moves of the cursor."""

PAGE = b"<html>a page</html>"
REPORTS = "/api/v1/reports"
DEAD_LETTERS = "/api/v1/dead-letters"
KEYS = "/api/v1/keys"
LIMITS = "/api/v1/limits"


def hostile_report(status: str = "fail", **fields: Any) -> dict[str, Any]:
    artefact = {
        "href": f"{REPORTS}/{REPORT_ID}/artefact",
        "filename": HOSTILE,
        "media_type": HOSTILE,
        "size": len(PAGE),
        "sha256": hashlib.sha256(PAGE).hexdigest(),
        "output": HOSTILE,
    }
    return report(
        status,
        5,
        kind=HOSTILE,
        owner=HOSTILE,
        tenant=HOSTILE,
        parameters={HOSTILE: HOSTILE},
        tags=[HOSTILE],
        progress={"step": HOSTILE, "done": 1, "total": 2},
        error={"type": HOSTILE, "message": HOSTILE, "step": HOSTILE},
        artefact=artefact,
        artefacts=[{**artefact, "filename": f"{number}{HOSTILE}"} for number in range(2)],
        outputs=[HOSTILE],
        **fields,
    )


def stream() -> tuple[str, ...]:
    step = {"name": HOSTILE, "status": "failed", "duration_ms": 1, "error": HOSTILE}
    artefact = {"filename": HOSTILE, "media_type": HOSTILE, "size": 1, "sha256": HOSTILE}
    artefacts = [{**artefact, "output": HOSTILE}] * 2
    failure = {"type": HOSTILE, "message": HOSTILE}
    return (
        event(1, "init", kind=HOSTILE),
        event(2, kind=HOSTILE, artefact=artefact, artefacts=artefacts),
        event(3, step=step, kind=HOSTILE, progress={"step": HOSTILE, "done": 1, "total": 2}),
        event(4, step={**step, "status": "done"}, kind=HOSTILE),
        "event: log\ndata: " + json.dumps({"records": LOG_RECORDS}) + "\n\n",
        event(5, "fail", kind=HOSTILE, error=failure),
    )


def trace() -> dict[str, Any]:
    tags = {"exception__message": HOSTILE, "error__type": HOSTILE, HOSTILE: HOSTILE}
    spans = [
        span("a1", HOSTILE, 0, 100, kind="server", service=HOSTILE, error=HOSTILE, **tags),
        span("a2", HOSTILE, 10, 1, "a1", service=HOSTILE, error=HOSTILE + " once more"),
        span("a3", HOSTILE, 20, 1, "is not there", service=HOSTILE),
    ]
    return jaeger(spans)


KIND = {
    "name": HOSTILE,
    "title": HOSTILE,
    "description": HOSTILE,
    "parameters": {
        "properties": {
            HOSTILE: {"type": HOSTILE, "description": HOSTILE, "default": HOSTILE},
            "chosen": {"enum": [HOSTILE], "pattern": HOSTILE},
        },
        "examples": [{HOSTILE: HOSTILE}],
    },
    "outputs": [HOSTILE, HOSTILE],
    "paused_at": "2026-11-23T12:00:00Z",
    "reason": HOSTILE,
}
KIND_LIMIT = {"kind": HOSTILE, "max_running": 1, "paused_by": HOSTILE, "reason": HOSTILE}
LETTER = {
    "id": REPORT_ID,
    "reason": HOSTILE,
    "detail": HOSTILE,
    "topic": HOSTILE,
    "partition": 1,
    "offset": 1,
    "stack": HOSTILE,
    "created_at": "2026-11-23T12:00:00Z",
}


KEY = {
    **dict.fromkeys(("id", "name", "tenant", "owner", "created_by", "token"), HOSTILE),
    "roles": [HOSTILE],
    "created_at": "2026-11-23T12:00:00Z",
}
ENTRY = {
    **dict.fromkeys(("actor", "actor_tenant", "credential", "action", "tenant", "subject"), HOSTILE),
    "id": 1,
    "at": "2026-11-23T12:00:00Z",
}
WATERFALL = {
    "report_id": REPORT_ID,
    "source": HOSTILE,
    "spans": [
        {"id": "a", "name": HOSTILE, "start": "2026-11-23T12:00:00Z", "duration_ms": 7.5},
        {"id": "b", "parent": "a", "name": "b", "start": "2026-11-23T12:00:00Z", "error": HOSTILE},
        {"id": HOSTILE, "parent": HOSTILE, "name": "in a circle", "start": "2026-11-23T12:00:00Z"},
    ],
}
LOG_RECORDS = [
    {
        **dict.fromkeys(("step", "stream", "level", "logger"), HOSTILE),
        "attempt": attempt,
        "line": 1,
        "at": "2026-11-23T12:00:00Z",
        "text": f"{HOSTILE}\nwaybill: all is well",
        "dropped": dropped,
    }
    for attempt, dropped in ((1, 0), (2, 7))
]
SET = {
    **dict.fromkeys(("kind", "name", "owner"), HOSTILE),
    "parameters": {HOSTILE: HOSTILE},
    **dict.fromkeys(("created_at", "updated_at"), "2026-11-23T12:00:00Z"),
}
OPERATION = {
    **dict.fromkeys(("action", "state", "error", "tenant", "owner"), HOSTILE),
    **dict.fromkeys(("created_at", "updated_at", "finished_at"), "2026-11-23T12:00:00Z"),
    "id": REPORT_ID,
    "matched": 3,
    "done": 1,
    "skipped": 1,
    "failed": 1,
    "reasons": [{"report_id": REPORT_ID, "outcome": HOSTILE, "reason": HOSTILE}],
}
LIMIT = {"level": "owner", "tenant": HOSTILE, "owner": HOSTILE, "max_queued": 1}


@pytest.fixture
def server() -> Iterator[Server]:
    """The API and Jaeger at one address; every text that can be of any form is hostile."""
    refused = {"id": REPORT_ID, "detail": HOSTILE}
    answers: dict[str, Any] = {
        f"GET {REPORTS}": {"reports": [hostile_report()], "next_cursor": None},
        f"GET {REPORTS}/{REPORT_ID}": hostile_report(),
        f"GET {REPORTS}/{REPORT_ID}/trace": WATERFALL,
        f"POST {REPORTS}": hostile_report("init"),
        f"POST {REPORTS}/{REPORT_ID}:cancel": hostile_report(),
        f"POST {REPORTS}/{REPORT_ID}:retry": hostile_report("init"),
        f"DELETE {REPORTS}/{REPORT_ID}": hostile_report(),
        "POST /api/v1/operations": OPERATION,
        "GET /api/v1/kinds": {"kinds": [KIND]},
        **{f"POST /api/v1/kinds/k:{what}": KIND_LIMIT for what in ("pause", "resume", "limit")},
        "GET /api/v1/kinds/k/parameter-sets": {"parameter_sets": [SET]},
        **{f"{method} /api/v1/kinds/k/parameter-sets/n": SET for method in ("GET", "PUT", "DELETE")},
        f"GET {DEAD_LETTERS}": {"dead_letters": [LETTER], "next_cursor": None},
        f"POST {DEAD_LETTERS}:redrive": {"reports": [], "refused": [refused]},
        f"GET {KEYS}": {"keys": [KEY]},
        f"POST {KEYS}": KEY,
        f"POST {KEYS}/k:rotate": KEY,
        f"POST {KEYS}/k:revoke": KEY,
        f"GET {REPORTS}/{REPORT_ID}/logs": {"records": LOG_RECORDS, "next": None, "dropped": 7},
        "GET /api/v1/audit": {"entries": [ENTRY]},
        f"GET {LIMITS}": {"limits": [LIMIT]},
        f"PUT {LIMITS}": LIMIT,
        f"DELETE {LIMITS}": LIMIT,
        f"GET {LIMITS}/usage": {"limits": LIMIT, "queued": 1, "running": 1, "requests": 1, "streams": 1},
        f"GET /api/traces/{TRACE_ID}": trace(),
    }
    with serving() as server:
        for route, answer in answers.items():
            server.routes[route] = partial(Request.json, value=answer)
        server.routes[f"GET {REPORTS}/{REPORT_ID}/events"] = lambda request: request.stream(*stream())
        server.routes[f"GET {REPORTS}/{REPORT_ID}/artefact"] = lambda request: request.bytes(
            PAGE, "text/html"
        )
        yield server


Waybill = Callable[..., str]


@pytest.fixture
def waybill(server: Server, capsys: CaptureFixture[str]) -> Waybill:
    """Runs a command; answers what it wrote."""

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit):
            main(["--api-url", server.url, "--jaeger-url", server.url, *arguments])
        written = capsys.readouterr()
        return written.out + written.err

    return run


def invisible(text: str) -> set[str]:
    """The characters that a terminal would act on, but line feeds."""
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")} - {"\n"}


COMMANDS = [
    ("request", "dowork", "--follow"),
    ("request", "dowork", "--trace"),
    ("rerun", REPORT_ID, "--follow"),
    ("follow", REPORT_ID),
    ("show", REPORT_ID),
    ("open", REPORT_ID),
    ("artefacts", REPORT_ID),
    ("logs", REPORT_ID),
    ("logs", REPORT_ID, "--follow"),
    ("list",),
    ("cancel", REPORT_ID),
    ("cancel", "--kind", "dowork", "--yes"),
    ("retry", REPORT_ID, "--follow"),
    ("delete", REPORT_ID),
    ("delete", "--status", "done", "--yes"),
    ("kinds",),
    ("kinds", HOSTILE),
    ("kinds", "another"),
    ("kinds", "show"),
    ("kinds", "pause", "k"),
    ("kinds", "resume", "k"),
    ("kinds", "limit", "k", "3"),
    ("sets", "list", "k"),
    ("sets", "show", "k", "n"),
    ("sets", "save", "k", "n", "-p", "month=7"),
    ("sets", "remove", "k", "n"),
    ("dead-letters",),
    ("redrive",),
    ("keys", "list"),
    ("keys", "create", "--name", "n", "--owner", "o"),
    ("keys", "rotate", "k"),
    ("keys", "revoke", "k"),
    ("audit",),
    ("limits", "list"),
    ("limits", "set", "--queued", "1"),
    ("limits", "remove"),
    ("limits", "usage"),
    ("spans", REPORT_ID),
    ("trace", REPORT_ID, "--wait", "0"),
    ("trace", TRACE_ID, "--wait", "0"),
]
IDS = [" ".join(command).replace(HOSTILE, "hostile") for command in COMMANDS]
SAY_NOTHING_OF_IT = [
    ("sets", "save", "k", "n", "-p", "month=7"),
    ("sets", "remove", "k", "n"),
    ("cancel", REPORT_ID),
    ("open", REPORT_ID),
    ("delete", REPORT_ID),
    ("keys", "revoke", "k"),
    ("kinds", "pause", "k"),
    ("kinds", "resume", "k"),
    ("kinds", "limit", "k", "3"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_a_command_shows_it_escaped(
    waybill: Waybill, monkeypatch: MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "2000")

    written = waybill(*command)

    assert not invisible(written)
    assert (SHOWN in written) != (command in SAY_NOTHING_OF_IT)


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_so_it_does_on_a_terminal(
    waybill: Waybill, monkeypatch: MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")

    written = OF_A_TERMINAL.sub("", waybill(*command))

    assert "\x1b" not in written
    assert not invisible(written) - {"\r"}, "rich goes back to the line's start"
    assert "[2J" not in OF_A_TERMINAL.sub("", written).replace("\\x1b[2J", "")


@pytest.mark.parametrize(
    "command",
    [
        ("request", "dowork", "--json"),
        ("follow", REPORT_ID, "--json"),
        ("show", REPORT_ID, "--json"),
        ("artefacts", REPORT_ID, "--json"),
        ("logs", REPORT_ID, "--json"),
        ("list", "--json"),
        ("kinds", "--json"),
        ("kinds", "pause", "k", "--json"),
        ("dead-letters", "--json"),
        ("keys", "list", "--json"),
        ("keys", "rotate", "k", "--json"),
        ("audit", "--json"),
        ("limits", "list", "--json"),
        ("trace", TRACE_ID, "--json", "--wait", "0"),
    ],
    ids=" ".join,
)
def test_json_stays_json_with_the_text_as_it_was(waybill: Waybill, command: tuple[str, ...]) -> None:
    written = waybill(*command)

    assert not invisible(written)
    lines = [line for line in written.splitlines() if line.startswith("{")]
    assert lines
    assert HOSTILE in [text for line in lines for text in texts(json.loads(line))]


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


@pytest.mark.parametrize("status", [422, 503])
def test_a_problem_shows_it_escaped(server: Server, waybill: Waybill, status: int) -> None:
    problem = {
        "title": HOSTILE,
        "status": status,
        "detail": HOSTILE + "\nwaybill: all is well",
        "errors": [{"field": HOSTILE, "message": HOSTILE + "!"}],
        "trace_id": HOSTILE,
    }
    server.routes["GET /api/v1/kinds"] = lambda request: request.json(problem, status, Retry_After="999")

    written = waybill("kinds")

    assert not invisible(written)
    assert SHOWN in written
    assert written.count("\n") == 1


def test_so_does_an_answer_of_another_server(server: Server, waybill: Waybill) -> None:
    server.routes["GET /api/v1/kinds"] = lambda request: request.bytes(b"x", "a\x9b31mb")

    assert "a\\x9b31mb" in waybill("kinds")


def test_a_file_of_that_name_is_named_escaped(waybill: Waybill, tmp_path: Path) -> None:
    written = waybill("artefact", REPORT_ID, "-o", str(tmp_path))

    assert not invisible(written)
    assert SHOWN in written


def test_files_of_such_names_are_named_escaped(waybill: Waybill, tmp_path: Path) -> None:
    written = waybill("artefacts", REPORT_ID, "--save", str(tmp_path))

    assert not invisible(written)
    assert [line.rpartition("/")[2] for line in written.splitlines()] == [f"{n}{SHOWN}" for n in range(2)]


def test_a_file_that_is_not_opened_is_named_escaped(waybill: Waybill, tmp_path: Path) -> None:
    written = waybill("request", "dowork", "--save", str(tmp_path), "--open")

    assert not invisible(written)
    assert f"Not opened: 0{SHOWN}" in written


def files(server: Server, *names: str) -> None:
    """The server's report has these."""
    known = hostile_report()
    known["artefacts"] = [{**known["artefact"], "filename": name} for name in names]
    known["artefact"] = known["artefacts"][0]
    server.routes[f"GET {REPORTS}/{REPORT_ID}"] = partial(Request.json, value=known)


@pytest.mark.parametrize("name", ["..", ".", "", "/", "../..", "a/..", "\0", "a\0b", "x/\0"], ids=repr)
@pytest.mark.parametrize(
    "command",
    [("artefacts", REPORT_ID, "--save"), ("artefact", REPORT_ID, "-o"), ("request", "dowork", "--save")],
    ids=lambda command: command[0],
)
def test_a_name_that_is_none_of_a_file_writes_none(
    server: Server, waybill: Waybill, tmp_path: Path, name: str, command: tuple[str, ...]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    files(server, name, "b.txt")

    written = waybill(*command, str(folder))

    assert "of an artefact is none of a file" in written
    assert [*tmp_path.rglob("*")] == [folder]


@pytest.mark.parametrize("name", ["../up.txt", "/tmp/up.txt", "a/b/../../../up.txt", "~/up.txt"])
def test_a_name_with_a_path_is_cut_to_its_last_part(
    server: Server, waybill: Waybill, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "folder"
    files(server, name, "b.txt")

    waybill("artefacts", REPORT_ID, "--save", str(folder))

    assert {*tmp_path.rglob("*")} == {folder, folder / "up.txt", folder / "b.txt"}


@pytest.mark.parametrize("names", [("a.txt", "x/a.txt"), ("a.txt", "A.TXT"), ("\u00e9", "e\u0301")], ids=repr)
def test_files_that_would_replace_each_other_are_not_fetched(
    server: Server, waybill: Waybill, tmp_path: Path, names: tuple[str, str]
) -> None:
    files(server, *names)

    written = waybill("artefacts", REPORT_ID, "--save", str(tmp_path))

    assert "Two artefacts have the name" in written
    assert not list(tmp_path.iterdir())


def test_a_link_in_the_folder_leads_nowhere(server: Server, waybill: Waybill, tmp_path: Path) -> None:
    """However the server calls its files: it may know which links there are."""
    elsewhere, folder = tmp_path / "elsewhere.txt", tmp_path / "folder"
    elsewhere.write_text("mine")
    folder.mkdir()
    (folder / "a.txt").symlink_to(elsewhere)
    files(server, "a.txt", "b.txt")

    waybill("artefacts", REPORT_ID, "--save", str(folder))

    assert elsewhere.read_text() == "mine"
    assert (folder / "a.txt").read_bytes() == PAGE
    assert not (folder / "a.txt").is_symlink()


def test_a_record_of_a_log_makes_up_no_other(waybill: Waybill) -> None:
    assert "\n    waybill: all is well" in waybill("logs", REPORT_ID)
    assert "\nwaybill" not in waybill("logs", REPORT_ID)


def test_a_picture_of_a_trace_has_it_escaped(waybill: Waybill, tmp_path: Path) -> None:
    picture = tmp_path / "trace.svg"
    waybill("trace", TRACE_ID, "--wait", "0", "--svg", str(picture))

    assert not invisible(picture.read_text()) - {"\xad"}


def test_a_difference_between_traces_shows_it_escaped(waybill: Waybill, tmp_path: Path) -> None:
    saved = tmp_path / "trace.json"
    spans = [{"id": "a1", "name": HOSTILE, "service": HOSTILE}, {"id": "a9", "name": HOSTILE}]
    saved.write_text(json.dumps({"spans": spans}))

    written = waybill("trace", TRACE_ID, "--same-as", str(saved), "--wait", "0")

    assert not invisible(written)


def test_the_demonstration_shows_it_escaped(waybill: Waybill, tmp_path: Path) -> None:
    written = waybill("demo", "--save", str(tmp_path), "--timeout", "2")

    assert not invisible(written)
    assert r"\x1b]0;owned" in written


ELSEWHERE = {"artefact", "demo"}
"""Tried in tests of their own, above."""
OF_THE_SERVICES = {"migrate", "topics", "create-key", "check", "preview"}
"""They ask no server of ours; what they print is their own."""


def test_every_command_is_tried() -> None:
    def names(commands: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        for name, command in commands.items():
            inner = getattr(command, "commands", None)
            yield from names(inner, (*before, name)) if inner else [(*before, name)]

    known = set(names(getattr(typer.main.get_command(app), "commands")))  # noqa: B009 - of a group
    tried = {command[: len(name)] for command in COMMANDS for name in known if command[: len(name)] == name}

    assert {name for name in known - tried if name[0] not in ELSEWHERE | OF_THE_SERVICES} == set()
    assert {("keys", "revoke"), ("trace",), ("redrive",)} <= tried
