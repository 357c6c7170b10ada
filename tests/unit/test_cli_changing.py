"""Cancelling, retrying and deleting many reports by the command line: it says how many, asks, and watches."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest import CaptureFixture, MonkeyPatch

from tests.support.answers import REPORT_ID, report
from tests.support.command import run_command
from tests.support.http_server import Request, Server, serving
from waybill_client import Estimate
from waybill_client.cli import changing, formatting

OPERATIONS = "/api/v1/operations"
OPERATION = {
    "id": REPORT_ID,
    "action": "cancel",
    "state": "running",
    "matched": 3,
    "done": 0,
    "skipped": 0,
    "failed": 0,
    "created_at": "2026-11-23T12:00:00Z",
    "updated_at": "2026-11-23T12:00:00Z",
}
ENDED = {**OPERATION, "state": "done", "finished_at": "2026-11-23T12:00:09Z"}
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

Waybill = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sent() -> list[Any]:
    """The bodies of what was posted."""
    return []


@pytest.fixture
def answers() -> list[dict[str, Any]]:
    """Of looks at the operation, one after the other."""
    return [
        {**OPERATION, "done": 2},
        {
            **ENDED,
            "done": 2,
            "skipped": 1,
            "reasons": [{"report_id": REPORT_ID, "outcome": "skipped", "reason": "Its status is done."}],
        },
    ]


@pytest.fixture
def server(sent: list[Any], answers: list[dict[str, Any]]) -> Iterator[Server]:
    with serving() as server:

        def start(request: Request) -> None:
            sent.append(request.body)
            is_dry = request.body.get("dry_run")
            request.json(
                {"matched": 3, "matched_more": False} if is_dry else OPERATION, 200 if is_dry else 202
            )

        server.routes[f"POST {OPERATIONS}"] = start
        server.routes[f"GET {OPERATIONS}/{REPORT_ID}"] = lambda request: request.json(answers.pop(0))
        server.routes[f"DELETE /api/v1/reports/{REPORT_ID}"] = lambda request: request.json(report("done"))
        yield server


@pytest.fixture
def waybill(server: Server, monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]) -> Waybill:
    monkeypatch.setattr(changing, "_LOOK_SECONDS", 0)

    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return run_command(capsys, "--api-url", server.url, *arguments)

    return run


def test_it_says_how_many_asks_and_shows_how_far_it_is(waybill: Waybill, sent: list[Any]) -> None:
    code, out, err = waybill("cancel", "--kind", "dowork", "--status", "init", typed="y\n")

    meant = {"status": ["init"], "kind": ["dowork"]}
    assert sent == [
        {"action": "cancel", "filter": meant, "dry_run": True},
        {"action": "cancel", "filter": meant, "expected": 3},
    ]
    assert (code, out.strip()) == (0, "2 cancelled, 1 skipped, 0 failed")
    assert "3 reports will be cancelled. Go on?" in err
    said = err.partition("[y/N]:")[2].split("\n")
    assert [line.strip() for line in said] == ["0 of 3", "2 of 3", f"{REPORT_ID}: Its status is done.", ""]


@pytest.mark.parametrize("typed", ["n\n", ""])
def test_without_a_yes_nothing_is_done(waybill: Waybill, sent: list[Any], typed: str) -> None:
    code, out, _ = waybill("cancel", "--tag", "a", typed=typed)

    assert (code, out.strip()) == (1, "")
    assert [one.get("dry_run") for one in sent] == [True]


def test_a_dry_run_counts_alone(waybill: Waybill, sent: list[Any]) -> None:
    assert waybill("delete", "--error", "a", "-p", "month=7", "--dry-run")[:2] == (0, "3 would be deleted\n")
    assert sent == [
        {"action": "delete", "filter": {"error": "a", "parameter": {"month": "7"}}, "dry_run": True}
    ]


def test_what_failed_ends_it_with_1(waybill: Waybill, answers: list[dict[str, Any]]) -> None:
    answers[:] = [{**ENDED, "done": 2, "failed": 1}]
    assert waybill("retry", "--tag", "a", "--yes")[:2] == (1, "2 restarted, 0 skipped, 1 failed\n")

    answers[:] = [{**ENDED, "state": "failed", "error": "The error is in the service's log."}]
    code, _, err = waybill("retry", "--tag", "a", "--yes")
    assert code == 1
    assert err.splitlines()[-1] == "The error is in the service's log."


@pytest.mark.parametrize(
    "arguments", [("cancel",), ("cancel", REPORT_ID, "--tag", "a"), ("retry", "--tag", "a", "--follow")]
)
def test_it_must_be_said_which_are_meant(
    waybill: Waybill, sent: list[Any], arguments: tuple[str, ...]
) -> None:
    assert waybill(*arguments)[0] == 2
    assert sent == []


def test_one_is_deleted(waybill: Waybill, sent: list[Any]) -> None:
    assert waybill("delete", REPORT_ID)[:2] == (0, "deleted\n")
    assert sent == []


@pytest.mark.parametrize(
    ("position", "more", "seconds", "said"),
    [
        (None, False, (-5, -5, 120, 240), "ends in about 2 to 4 min"),
        (None, False, (-5, -5, 0, 0), "ends now"),
        (1, False, (0, 0, 10, 10), "starts now, ends in about 10 s, number 1 in the queue"),
        (
            1000,
            True,
            (3600, 7200, 3601, 9000),
            "starts in about 1 to 2 h, ends in about 1 to 3 h, number 1000+ in the queue",
        ),
    ],
)
def test_an_estimate_in_words(position: int | None, more: bool, seconds: tuple[int, ...], said: str) -> None:
    names = ("start_from", "start_to", "end_from", "end_to")
    times = {name: NOW + timedelta(seconds=one) for name, one in zip(names, seconds, strict=True)}

    found = Estimate.model_validate({"position": position, "position_more": more, "based_on": 50, **times})

    assert formatting.estimate(found, NOW) == f"{said} (estimated from 50 reports)"
