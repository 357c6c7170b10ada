"""The command line names a report's page, and opens it."""

import webbrowser
from collections.abc import Iterator
from typing import Any

import pytest
from pytest import CaptureFixture, MonkeyPatch

from tests.support.answers import REPORT_ID, event, report
from tests.support.command import run_command
from tests.support.http_server import Server, serving

ONE = f"/api/v1/reports/{REPORT_ID}"
LINKS = {"page": "//elsewhere.example/reports"}
"""What a server calls its page does not count: it is below the address that was given."""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        shown = report("done", 3, links=LINKS)
        server.routes |= {
            "POST /api/v1/reports": lambda request: request.json(report("init", 1, links=LINKS), 202),
            f"GET {ONE}": lambda request: request.json(shown),
            f"GET {ONE}/events": lambda request: request.stream(event(1, "init"), event(3, "done")),
        }
        yield server


class Terminal:
    def __init__(self, server: Server, capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> None:
        self.server, self._capsys = server, capsys
        self.has_browser = True
        self.opened: list[str] = []
        self.page = f"{server.url}/reports/{REPORT_ID}"
        monkeypatch.setattr(webbrowser, "open", self._open)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        url = self.server.url
        return run_command(self._capsys, "--api-url", url, "--jaeger-url", url, *arguments)

    def _open(self, url: str) -> bool:
        self.opened.append(url)
        return self.has_browser


@pytest.fixture
def waybill(server: Server, capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> Terminal:
    return Terminal(server, capsys, monkeypatch)


def test_it_is_opened(waybill: Terminal) -> None:
    assert waybill("open", REPORT_ID) == (0, f"{waybill.page}\n", "")
    assert waybill.opened == [waybill.page]


def test_without_a_browser_its_address_is_there(waybill: Terminal) -> None:
    waybill.has_browser = False

    assert waybill("open", REPORT_ID) == (0, f"{waybill.page}\n", "Not opened: no browser was found.\n")


def test_a_server_without_pages_has_none_to_open(waybill: Terminal, server: Server) -> None:
    server.routes[f"GET {ONE}"] = lambda request: request.json(report("done", 3))

    code, output, errors = waybill("open", REPORT_ID)

    assert (code, output) == (1, "")
    assert "has no pages" in errors
    assert waybill.opened == []


@pytest.mark.parametrize(
    ("command", "output"), [(("request", "dowork"), f"{REPORT_ID}\n"), (("follow", REPORT_ID), None)]
)
def test_who_waits_gets_its_address_and_scripts_their_output(
    waybill: Terminal, command: tuple[str, ...], output: str | None
) -> None:
    code, written, errors = waybill(*command)

    assert code == 0
    assert output is None or written == output
    assert errors == f"Its page: {waybill.page}\n"


def test_show_names_it(waybill: Terminal) -> None:
    assert f"page        {waybill.page}" in waybill("show", REPORT_ID)[1]


@pytest.mark.parametrize(
    ("more", "is_named"),
    [
        ({"report_id": REPORT_ID, "page": "/x"}, True),
        ({"report_id": "../x", "page": "/x"}, False),
        ({}, False),
    ],
)
def test_a_refusal_leads_there(
    waybill: Terminal, server: Server, more: dict[str, Any], is_named: bool
) -> None:
    problem = {"title": "The report has ended", "status": 409, "detail": "It is done.", **more}
    server.routes[f"POST {ONE}:cancel"] = lambda request: request.json(problem, 409)

    errors = waybill("cancel", REPORT_ID)[2]

    assert (f"See {waybill.page}" in errors) is is_named
