"""`waybill limits`, and what the client does where a limit leaves no room."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest import CaptureFixture

from tests.support.answers import report
from tests.support.command import run_command
from tests.support.http_server import Request, Server, in_turn, serving
from waybill_client import ProblemError, RetryPolicy, WaybillClient

LIMITS = "/api/v1/limits"
REPORTS = "/api/v1/reports"
NONE: dict[str, Any] = {
    **dict.fromkeys(("tenant", "owner", "weight", "max_queued", "max_running", "max_requests_per_minute")),
    **dict.fromkeys(("max_streams", "max_kept_bytes")),
}
ACME = {**NONE, "level": "tenant", "tenant": "acme", "max_queued": 5000, "weight": 2}
ADA = {**NONE, "level": "owner", "tenant": "acme", "owner": "ada", "max_streams": 0}
OVER = {
    "title": "A limit has been reached",
    "status": 429,
    "detail": "At most 3 reports may wait of you.",
    "limit": "queued",
    "level": "owner",
    "max": 3,
}

Waybill = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def waybill(server: Server, capsys: CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Waybill:
    """Runs a command; answers its exit code and what it wrote to standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: str) -> tuple[int, str, str]:
        return run_command(capsys, "--api-url", server.url, *arguments)

    return run


class Answers:
    """Answers a route, and keeps what it was sent."""

    def __init__(self, value: Any) -> None:
        self.sent: list[Any] = []
        self._value = value

    def __call__(self, request: Request) -> None:
        self.sent.append(request.body)
        request.json(self._value)


class TestLimits:
    def test_list_is_a_table(self, server: Server, waybill: Waybill) -> None:
        each = [{**NONE, "level": "tenant", "max_running": 4}, {**NONE, "level": "owner", "max_streams": 9}]
        server.routes[f"GET {LIMITS}"] = Answers({"limits": [*each, ACME, ADA]})
        code, output, _ = waybill("limits", "list")
        header, *rows = output.splitlines()

        assert code == 0
        assert header.split() == [
            "of",
            *["weight", "queued", "running", "requests/min", "streams", "kept", "bytes"],
        ]
        assert [row.split() for row in rows] == [
            ["each", "tenant", "-", "-", "4", "-", "-", "-"],
            ["each", "owner", "-", "-", "-", "-", "9", "-"],
            ["tenant", "acme", "2", "5000", "-", "-", "-", "-"],
            ["ada", "of", "acme", "-", "-", "-", "-", "0", "-"],
        ]

    def test_list_as_json(self, server: Server, waybill: Waybill) -> None:
        server.routes[f"GET {LIMITS}"] = Answers({"limits": [ACME]})

        assert json.loads(waybill("limits", "list", "--json")[1]) == {"limits": [ACME]}

    def test_none_is_a_sentence(self, server: Server, waybill: Waybill) -> None:
        server.routes[f"GET {LIMITS}"] = Answers({"limits": []})

        assert waybill("limits", "list") == (0, "No limits are set.\n", "")

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (("--queued", "7"), {"level": "tenant", "max_queued": 7}),
            (("--tenant", "acme", "--running", "0"), {"level": "tenant", "tenant": "acme", "max_running": 0}),
            (("--each-owner", "--weight", "3"), {"level": "owner", "weight": 3}),
            (
                ("--tenant", "acme", "--each-owner", "--kept-bytes", "8000000000"),
                {"level": "owner", "tenant": "acme", "max_kept_bytes": 8_000_000_000},
            ),
            (
                ("--tenant", "acme", "--owner", "ada", "--streams", "1", "--requests-per-minute", "2"),
                {
                    **{"level": "owner", "tenant": "acme", "owner": "ada"},
                    **{"max_streams": 1, "max_requests_per_minute": 2},
                },
            ),
        ],
    )
    def test_set_sends_all_of_them(
        self, server: Server, waybill: Waybill, options: tuple[str, ...], expected: dict[str, Any]
    ) -> None:
        server.routes[f"PUT {LIMITS}"] = route = Answers(ACME)

        assert waybill("limits", "set", *options) == (0, "tenant acme: weight 2, queued 5000\n", "")
        assert route.sent == [{**NONE, **expected}]

    def test_an_owner_is_one_or_each(self, server: Server, waybill: Waybill) -> None:
        assert waybill("limits", "set", "--owner", "ada", "--each-owner", "--queued", "1")[0] == 2
        assert server.requests == []

    def test_remove_prints_what_they_were(self, server: Server, waybill: Waybill) -> None:
        server.routes[f"DELETE {LIMITS}"] = Answers(ADA)

        removed = waybill("limits", "remove", "--tenant", "acme", "--owner", "ada")

        assert removed == (0, "ada of acme: streams 0\n", "")
        assert server.requests == [f"DELETE {LIMITS}?level=owner&tenant=acme&owner=ada"]

    def test_usage_is_beside_the_limits(self, server: Server, waybill: Waybill) -> None:
        used = {"limits": ACME, "queued": 12, "running": 3, "requests": 4, "streams": 5, "kept_bytes": None}
        server.routes[f"GET {LIMITS}/usage"] = Answers(used)

        code, output, _ = waybill("limits", "usage", "--tenant", "acme")
        rows = [row.split() for row in output.splitlines()]

        assert code == 0
        assert rows[0][:2] == ["tenant", "acme"]
        assert rows[1] == ["now", "12", "3", "4", "5", "-"]
        assert rows[2] == ["at", "most", "2", "5000", "-", "-", "-", "-"]
        assert json.loads(waybill("limits", "usage", "--json")[1])["queued"] == 12


class TestOverTheLimit:
    def test_a_request_is_sent_again_when_there_is_room(self, server: Server) -> None:
        server.routes[f"POST {REPORTS}"] = in_turn(
            lambda request: request.json(OVER, 429, Retry_After="0"),
            lambda request: request.json(report("init"), 202),
        )

        with WaybillClient(server.url, RetryPolicy(wait_initial=0.01)) as client:
            client.request("dowork")

        assert len(server.requests) == 2

    def test_a_longer_wait_than_ours_is_an_error_that_says_so(self, server: Server, waybill: Waybill) -> None:
        server.routes[f"POST {REPORTS}"] = lambda request: request.json(OVER, 429, Retry_After="3600")

        code, output, errors = waybill("request", "dowork")

        assert (code, output) == (3, "")
        assert errors == (
            "waybill: A limit has been reached: At most 3 reports may wait of you. "
            "It asks to be called again in 3600 s.\n"
        )
        assert len(server.requests) == 1

    def test_in_python_it_is_a_problem_with_the_time(self, server: Server) -> None:
        server.routes[f"POST {REPORTS}"] = lambda request: request.json(OVER, 429, Retry_After="3600")

        with WaybillClient(server.url) as client, pytest.raises(ProblemError) as caught:
            client.request("dowork")

        assert (caught.value.status, caught.value.retry_after) == (429, 3600)
