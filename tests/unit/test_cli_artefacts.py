"""A report with several files on the command line: requested, listed, saved and opened."""

import hashlib
import json
import webbrowser
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest import CaptureFixture, MonkeyPatch

from tests.support.answers import REPORT_ID, event, report
from tests.support.command import run_command
from tests.support.http_server import Request, Server, serving
from waybill_client import ArtefactError, Report, WaybillClient

REPORTS = "/api/v1/reports"
FILES = {"sales.html": b"<html>a page</html>", "sales.pdf": b"%PDF-", "notes for you.txt": b"notes"}
OUTPUTS = {"sales.html": "html", "sales.pdf": "pdf", "notes for you.txt": None}


def artefact(name: str, href: str | None = None) -> dict[str, Any]:
    content = FILES[name]
    return {
        "href": href or f"{REPORTS}/{REPORT_ID}/artefacts/{name.replace(' ', '%20')}",
        "filename": name,
        "media_type": "text/plain",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "output": OUTPUTS[name],
    }


def ended(server: Server, *names: str) -> None:
    """The server knows one report, which has these files."""
    artefacts = [artefact(name) for name in names]
    first = {**artefacts[0], "href": f"{REPORTS}/{REPORT_ID}/artefact"}
    last = report("done", 3, outputs=["html", "pdf"], artefact=first, artefacts=artefacts)
    shown = [{name: one[name] for name in one if name != "href"} for one in artefacts]
    server.routes |= {
        f"POST {REPORTS}": lambda request: request.json(report("init", 1), 202),
        f"GET {REPORTS}/{REPORT_ID}": lambda request: request.json(last),
        f"GET {REPORTS}/{REPORT_ID}/events": lambda request: request.stream(
            event(1, "init"), event(2), event(3, "done", artefact=shown[0], artefacts=shown)
        ),
        f"GET {first['href']}": lambda request: request.bytes(FILES[names[0]], "text/html"),
    }
    for one in artefacts:
        answer = partial(Request.bytes, body=FILES[one["filename"]], media_type="text/html")
        server.routes[f"GET {one['href']}"] = answer


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        ended(server, *FILES)
        yield server


class Terminal:
    """Runs commands; keeps what a browser would have been asked to show."""

    def __init__(self, server: Server, capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> None:
        self._server, self._capsys = server, capsys
        self.has_browser = True
        self.opened: list[str] = []
        monkeypatch.setattr(webbrowser, "open", self._open)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        url = self._server.url
        return run_command(self._capsys, "--api-url", url, "--jaeger-url", url, *arguments)

    def _open(self, url: str) -> bool:
        self.opened.append(url)
        return self.has_browser


@pytest.fixture
def waybill(server: Server, capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> Terminal:
    return Terminal(server, capsys, monkeypatch)


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestRequest:
    def test_outputs_are_sent_in_their_order(self, server: Server, waybill: Terminal) -> None:
        bodies = []

        def accept(request: Request) -> None:
            bodies.append(request.body)
            request.json(report("init", 1), 202)

        server.routes[f"POST {REPORTS}"] = accept
        waybill("request", "sales", "--output", "pdf", "--output", "html")
        waybill("request", "sales")

        assert bodies == [
            {"kind": "sales", "parameters": {}, "outputs": ["pdf", "html"]},
            {"kind": "sales", "parameters": {}},
        ]

    def test_several_files_are_saved_into_a_folder_that_is_made(
        self, waybill: Terminal, tmp_path: Path
    ) -> None:
        folder = tmp_path / "new" / "folder"
        code, output, _ = waybill("request", "sales", "--save", str(folder))

        assert code == 0
        assert [line for line in output.splitlines() if line.startswith("Saved")] == [
            f"Saved {folder}/{name}" for name in FILES
        ]
        assert written(folder) == FILES

    def test_one_file_is_saved_as_the_file_that_is_named(
        self, server: Server, waybill: Terminal, tmp_path: Path
    ) -> None:
        ended(server, "sales.pdf")

        assert waybill("request", "sales", "--save", str(tmp_path / "new" / "july.pdf"))[0] == 0
        assert (tmp_path / "new" / "july.pdf").read_bytes() == FILES["sales.pdf"]

    def test_several_files_do_not_fit_into_one(self, waybill: Terminal, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        code, _, errors = waybill("request", "sales", "--save", str(tmp_path / "file"))

        assert (code, errors) == (2, f"waybill: Cannot write {tmp_path}/file: File exists.\n")
        assert written(tmp_path) == {"file": b"mine"}

    def test_the_change_that_ends_it_says_how_many_there_are(self, waybill: Terminal) -> None:
        output = waybill("request", "sales", "--follow")[1]

        assert output.splitlines()[-1].endswith("done       sales.html, 19 bytes, and 2 more")


class TestOpen:
    def test_the_first_is_saved_somewhere_and_opened(self, waybill: Terminal) -> None:
        code, output, _ = waybill("request", "sales", "--open")
        saved, opened = output.splitlines()[-2:]
        path = Path(saved.removeprefix("Saved "))

        assert code == 0
        assert opened == f"Opened {path}"
        assert waybill.opened == [path.as_uri()]
        assert written(path.parent) == {"sales.html": FILES["sales.html"]}
        assert path.parent.stat().st_mode & 0o77 == 0, "nobody else reads it"
        path.unlink()
        path.parent.rmdir()

    def test_what_is_saved_is_opened_where_it_is(self, waybill: Terminal, tmp_path: Path) -> None:
        code, output, errors = waybill("request", "sales", "--open", "--save", str(tmp_path), "--json")

        assert code == 0
        assert waybill.opened == [(tmp_path / "sales.html").as_uri()]
        assert json.loads(output)["status"] == "done"
        assert f"Opened {tmp_path}/sales.html" in errors

    def test_without_a_browser_it_says_so(self, waybill: Terminal, tmp_path: Path) -> None:
        waybill.has_browser = False
        code, output, _ = waybill("request", "sales", "--open", "--save", str(tmp_path))

        assert code == 0
        assert f"Not opened: no browser or viewer was found for {tmp_path}/sales.html." in output

    @pytest.mark.parametrize("name", ["run.desktop", "run.exe", "run.sh", "run", "a.html.bat", "a.lnk"])
    def test_what_a_desktop_might_run_is_not_opened(
        self, server: Server, waybill: Terminal, tmp_path: Path, name: str, monkeypatch: MonkeyPatch
    ) -> None:
        monkeypatch.setitem(FILES, name, b"run me")
        monkeypatch.setitem(OUTPUTS, name, None)
        ended(server, name)
        output = waybill("request", "sales", "--open", "--save", str(tmp_path))[1]

        assert f"Not opened: {name} is of no sort that is only looked at." in output
        assert waybill.opened == []

    def test_a_report_without_a_file_opens_nothing(self, server: Server, waybill: Terminal) -> None:
        server.routes[f"GET {REPORTS}/{REPORT_ID}"] = lambda request: request.json(report("fail", 3))

        assert waybill("request", "sales", "--open")[0] == 1
        assert waybill.opened == []


class TestArtefacts:
    def test_they_are_listed(self, waybill: Terminal) -> None:
        code, output, _ = waybill("artefacts", REPORT_ID)

        assert code == 0
        assert [line.split() for line in output.splitlines()] == [
            ["file", "output", "type", "size"],
            ["sales.html", "html", "text/plain", "19", "bytes"],
            ["sales.pdf", "pdf", "text/plain", "5", "bytes"],
            ["notes", "for", "you.txt", "-", "text/plain", "5", "bytes"],
        ]

    def test_as_json_with_their_addresses(self, waybill: Terminal) -> None:
        listed = json.loads(waybill("artefacts", REPORT_ID, "--output", "pdf", "--json")[1])

        assert listed == {"artefacts": [artefact("sales.pdf")]}

    def test_they_are_saved(self, waybill: Terminal, tmp_path: Path) -> None:
        folder = tmp_path / "new"
        code, output, _ = waybill("artefacts", REPORT_ID, "--save", str(folder))

        assert (code, output.splitlines()) == (0, [f"{folder}/{name}" for name in FILES])
        assert written(folder) == FILES

    def test_or_those_that_are_one_output(self, waybill: Terminal, tmp_path: Path) -> None:
        _, output, _ = waybill("artefacts", REPORT_ID, "--save", str(tmp_path), "--output", "pdf", "--json")

        assert json.loads(output) == {"saved": [f"{tmp_path}/sales.pdf"]}
        assert written(tmp_path) == {"sales.pdf": FILES["sales.pdf"]}

    def test_an_output_that_it_does_not_have_is_a_sentence(self, waybill: Terminal, tmp_path: Path) -> None:
        code, _, errors = waybill("artefacts", REPORT_ID, "--save", str(tmp_path / "new"), "--output", "xlsx")

        assert code == 1
        assert errors == f"waybill: Report {REPORT_ID} has no output xlsx; its outputs are html, pdf.\n"
        assert not (tmp_path / "new").exists()
        assert "no such artefacts" in waybill("artefacts", REPORT_ID, "--output", "xlsx")[1]

    def test_a_wrong_checksum_leaves_those_before_it(
        self, server: Server, waybill: Terminal, tmp_path: Path
    ) -> None:
        server.routes[f"GET {artefact('sales.pdf')['href']}"] = lambda request: request.bytes(b"x", "x/x")

        code, _, errors = waybill("artefacts", REPORT_ID, "--save", str(tmp_path))

        assert code == 1
        assert "sales.pdf came as 1 bytes" in errors
        assert written(tmp_path) == {"sales.html": FILES["sales.html"]}

    def test_show_names_each_with_its_address(self, server: Server, waybill: Terminal) -> None:
        lines = [line.strip() for line in waybill("show", REPORT_ID)[1].splitlines()]

        place = lines.index("artefacts   sales.html (html), text/plain, 19 bytes")
        assert lines[place + 1 : place + 6] == [
            f"{server.url}{REPORTS}/{REPORT_ID}/artefact",
            "sales.pdf (pdf), text/plain, 5 bytes",
            f"{server.url}{REPORTS}/{REPORT_ID}/artefacts/sales.pdf",
            "notes for you.txt, text/plain, 5 bytes",
            f"{server.url}{REPORTS}/{REPORT_ID}/artefacts/notes%20for%20you.txt",
        ]
        assert "outputs     html, pdf" in lines


def test_a_kind_shows_its_outputs(server: Server, waybill: Terminal) -> None:
    kind = {"name": "sales", "title": "Sales", "description": "Sales.", "outputs": ["html", "pdf"]}
    server.routes["GET /api/v1/kinds"] = lambda request: request.json({"kinds": [kind]})

    assert "Outputs: html (without --output), pdf" in waybill("kinds", "sales")[1].splitlines()


def test_a_server_of_before_has_one_artefact(tmp_path: Path) -> None:
    one = artefact("sales.html", f"{REPORTS}/{REPORT_ID}/artefact")
    del one["output"]
    read = Report.model_validate(report("done", artefact=one))

    assert read.artefacts == (read.artefact,)
    assert Report.model_validate(report("init")).artefacts == ()
    with (
        WaybillClient("http://127.0.0.1:1") as client,
        pytest.raises(ArtefactError, match="has no output pdf; its artefacts are no outputs"),
    ):
        client.download_all(read, tmp_path, "pdf")
