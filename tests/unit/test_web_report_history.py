"""What a report's events say of its attempts, steps and changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from producer_api.web.report_history import History, history_of
from waybill.domain import Report, Status, new_report_id
from waybill.store import StoredEvent

NOW = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)
REPORT = Report(
    *(new_report_id(), "flights", {"month": 7}, Status.PROCESSING, 9, 1, None, None, None, None),
    *(NOW, NOW, NOW, None),
)


class Told:
    """Events of a report, a second after each other."""

    def __init__(self, first: int = 1) -> None:
        self.version = first - 1
        self.events: list[StoredEvent] = []

    def __call__(self, status: Status, attempt: int = 0, **fields: Any) -> "Told":
        self.version += 1
        kind = "step" if "step" in fields else "status"
        at = NOW + timedelta(seconds=self.version)
        data = {"report_id": str(REPORT.id), "kind": "flights", "version": self.version, "type": kind}
        data |= {"at": at.isoformat(), "status": status, "attempt": attempt, "created_at": NOW.isoformat()}
        self.events.append(StoredEvent(self.version, kind, {**data, **fields}))
        return self

    def step(self, attempt: int, name: str, status: str, **fields: Any) -> "Told":
        return self(Status.PROCESSING, attempt, step={"name": name, "status": status, **fields})

    def history(self) -> History:
        return history_of(self.events)


def requested() -> Told:
    return Told()(Status.INIT)


def error(kind: str = "error", message: str = "no", step: str | None = None) -> dict[str, Any]:
    return {"type": kind, "message": message, "step": step}


def test_an_attempt_that_went_well() -> None:
    events = requested()(Status.PROCESSING, 1).step(1, "load", "running")
    events.step(1, "load", "done", duration_ms=800)(Status.DONE, 1)

    history = events.history()

    (attempt,) = history.attempts
    assert (attempt.number, attempt.end, attempt.words) == (1, "done", "Done")
    assert [(step.name, step.state, step.took) for step in history.steps] == [
        ("load", "done", timedelta(milliseconds=800))
    ]
    words = [change.words for change in history.changes]
    assert words == ["Requested", "Attempt 1 began", "Step load began", "Step load done", "Done"]
    assert [change.after for change in history.changes] == [None, *4 * [timedelta(seconds=1)]]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (error("step_failed", step="load"), "Failed in load"),
        (error("timed_out"), "The time limit was reached"),
        (error("slot_died"), "The process that ran the report ended without a result"),
        (error("of_a_later_version"), "Of a later version"),
    ],
)
def test_an_attempt_that_failed_and_is_tried_again(failure: dict[str, Any], words: str) -> None:
    at = NOW + timedelta(minutes=1)
    events = requested()(Status.PROCESSING, 1).step(1, "load", "running")
    events(Status.INIT, 1, error=failure, not_before=at.isoformat())(Status.PROCESSING, 2)

    history = events.history()

    first, second = history.attempts
    assert (first.end, first.words, first.detail, first.retry_at) == ("failed", words, "no", at)
    assert first.steps["load"].state == "stopped"
    assert second.end == "running"


@pytest.mark.parametrize(
    ("lost", "words"),
    [(True, "Lost: its worker died, or was cut off"), (False, "Given back: its worker was stopped")],
)
def test_an_attempt_that_ended_in_silence(lost: bool, words: str) -> None:
    events = requested()(Status.PROCESSING, 1).step(1, "load", "running")
    events(Status.INIT, 1, worker_lost=lost)(Status.PROCESSING, 2)

    history = events.history()

    assert [(one.end, one.words) for one in history.attempts] == [("silent", words), ("running", "Running")]
    assert history.attempts[0].steps["load"].state == "stopped"
    assert history.changes[3].words == f"Waits for another attempt. {words}"


def test_each_attempt_has_its_own_end() -> None:
    events = requested()(Status.PROCESSING, 1)
    events(Status.INIT, 1, error=error("unsuited"), not_before=NOW.isoformat())(Status.PROCESSING, 2)
    events(Status.INIT, 2, worker_lost=True)(Status.PROCESSING, 3)(Status.INIT, 3)

    assert [one.words for one in events.history().attempts] == [
        "The worker's version does not know this kind, or one of its parameters",
        "Lost: its worker died, or was cut off",
        "Given back: its worker was stopped",
    ]


def test_a_restart_begins_anew_but_keeps_what_was() -> None:
    events = requested()(Status.PROCESSING, 1)(Status.FAIL, 1, error=error(message="first"))(Status.INIT, 1)
    events(Status.PROCESSING, 2).step(2, "load", "done", reused=True, reused_from_attempt=1)
    events(Status.PROCESSING, 2, cancel_requested=True)(Status.CANCELLED, 2)

    history = events.history()

    assert [(one.number, one.end, one.detail) for one in history.attempts] == [
        (1, "failed", "first"),
        (2, "cancelled", None),
    ]
    assert history.steps[0].reused_from == 1
    words = [change.words for change in history.changes[3:]]
    assert words[0] == "Tried again"
    assert words[2:] == ["Step load: reused from attempt 1", "Cancellation asked for", "Cancelled"]


def test_cancelled_while_it_waits_has_no_attempt() -> None:
    assert requested()(Status.CANCELLED).history().attempts == []


def test_the_newest_events_alone_are_enough() -> None:
    events = Told(first=50).step(3, "render", "done", duration_ms=5)(Status.DONE, 3)

    history = events.history()

    assert history.left_out == 49
    assert [(one.number, one.end) for one in history.attempts] == [(3, "done")]
