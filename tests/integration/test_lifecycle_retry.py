"""A failed attempt is followed by another, later; when there have been enough, a dead letter tells why."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support import lifecycle as ask
from tests.support import sse
from tests.support.database import Database
from tests.support.kafka import Record, Topics
from tests.support.lifecycle_stack import NAMES, RETRY_FIRST
from tests.support.lifecycle_store import Store
from tests.support.waiting import eventually
from waybill.domain import NewReport, new_report_id

pytest_plugins = ["tests.support.lifecycle_fixtures"]

MOST_STATUS_BYTES = 100_000
"""Far below what a broker takes."""


def statuses(events: list[sse.Told]) -> list[tuple[str, int]]:
    """Each status with the attempt in which it came."""
    return [(event.data["status"], event.data["attempt"]) for event in events if event.event == "status"]


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_report_whose_first_attempts_fail_is_done_in_the_end(
    api: httpx.Client, lifecycle_database: Database
) -> None:
    report = ask.run(api, "flaky", failures=2)

    assert (report["status"], report["attempt"], report["error"]) == ("done", 3, None)
    assert statuses(sse.listen(api, report["id"])) == [
        ("init", 0),
        ("processing", 1),
        ("init", 1),
        ("processing", 2),
        ("init", 2),
        ("processing", 3),
        ("done", 3),
    ]
    assert ask.letters_of(api, report["id"]) == []
    row = lifecycle_database.row("SELECT failures, losses FROM reports WHERE id = :id", id=report["id"])
    assert row == {"failures": 2, "losses": 0}


def test_every_transition_is_an_event_with_its_time(api: httpx.Client, lifecycle_database: Database) -> None:
    report = ask.run(api, "flaky", failures=1)

    events = lifecycle_database.rows(
        "SELECT version, at, data ->> 'at' AS told FROM report_events WHERE report_id = :id ORDER BY version",
        id=report["id"],
    )
    assert [event["version"] for event in events] == list(range(1, report["version"] + 1))
    assert all(event["at"] == time_of(event["told"]) for event in events)
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)


def test_the_wait_is_shown_and_kept(api: httpx.Client) -> None:
    report_id = ask.request(api, "flaky", failures=2)

    waiting = ask.until(api, report_id, "the wait", lambda report: report["not_before"] is not None)
    ask.ended(api, report_id)

    assert (waiting["status"], waiting["error"]["type"]) == ("init", "step_failed")
    told = sse.listen(api, report_id)
    for number, event in enumerate(told):
        if event.data["not_before"] is None:
            continue
        wait = time_of(event.data["not_before"]) - time_of(event.data["at"])
        failures = event.data["attempt"]
        longest = RETRY_FIRST * 2 ** (failures - 1)
        assert longest / 2 - timedelta(milliseconds=50) <= wait <= longest
        assert time_of(told[number + 1].data["at"]) >= time_of(event.data["not_before"])
        assert told[number + 1].data["not_before"] is None


def test_a_command_that_comes_too_early_begins_nothing(
    api: httpx.Client, topics: Topics, lifecycle_database: Database
) -> None:
    report_id = ask.request(api, "flaky", failures=1)
    ask.until(api, report_id, "the wait", lambda report: report["not_before"] is not None)
    later = datetime.now(UTC) + timedelta(minutes=5)
    lifecycle_database.execute(
        "UPDATE reports SET not_before = :later, enqueue_at = :later WHERE id = :id AND status = 'init'",
        later=later,
        id=report_id,
    )

    (command, *_) = topics.records_of(NAMES.report, report_id)
    eventually(lambda: topics.lag(NAMES.report, "lifecycle") == 0, "every command read")
    topics.send(NAMES.report, *[Record(command.value, command.key, command.headers)] * 3)
    eventually(lambda: topics.lag(NAMES.report, "lifecycle") == 0, "the copies read")

    assert ask.show(api, report_id)["attempt"] == 1
    now = "UPDATE reports SET not_before = now(), enqueue_at = now() WHERE id = :id"
    lifecycle_database.execute(now, id=report_id)
    assert ask.ended(api, report_id)["attempt"] == 2


@pytest.mark.parametrize("in_a_step", [True, False])
def test_used_up_attempts_leave_a_dead_letter(
    api: httpx.Client, topics: Topics, lifecycle_database: Database, in_a_step: bool
) -> None:
    report = ask.run(api, "flaky", failures=99, message="no luck", in_a_step=in_a_step)

    assert (report["status"], report["attempt"]) == ("fail", 3)
    assert report["error"] == {
        "type": "step_failed" if in_a_step else "error",
        "message": "only step: no luck" if in_a_step else "no luck",
        "step": "only step" if in_a_step else None,
    }
    (letter,) = ask.letters_of(api, report["id"])
    assert letter["reason"] == report["error"]["type"]
    assert letter["detail"] == report["error"]["message"]
    assert letter["attempts"] == 3
    assert letter["trace_id"] == report["trace_id"]
    assert "RetryableError: no luck" in letter["stack"]
    assert "waybill_lifecycle/jobs.py" in letter["stack"]

    commands = topics.records_of(NAMES.report, report["id"])
    assert letter["topic"] == NAMES.report
    last = commands[-1]
    assert (letter["partition"], letter["offset"]) == (last.partition, last.offset)

    row = lifecycle_database.row("SELECT * FROM dead_letters WHERE report_id = :id", id=report["id"])
    assert row is not None
    assert str(row["id"]) == letter["id"]
    assert row["stack"] == letter["stack"]

    def on_topic() -> list[Record]:
        return topics.records_of(NAMES.report_dead_letter, letter["id"])

    (announced,) = eventually(on_topic, "the dead letter on its topic")
    told = announced.json
    for name in ("reason", "detail", "attempts", "topic", "partition", "offset", "stack", "report_id"):
        assert told[name] == letter[name], name
    assert told["traceparent"].split("-")[1] == report["trace_id"]


def test_a_permanent_error_is_not_tried_again(api: httpx.Client) -> None:
    report = ask.run(api, "permanent")

    assert (report["status"], report["attempt"]) == ("fail", 1)
    assert "never will be" in report["error"]["message"]
    assert ask.letters_of(api, report["id"]) == [], "it was understood, and its answer is: no"


def accepted(store: Store, kind: str, **parameters: object) -> UUID:
    """A report that another version of the API has taken."""
    return store.ledger.accept(NewReport(new_report_id(), kind, parameters, None)).id


@pytest.mark.parametrize(
    ("kind", "parameters"), [("of tomorrow", {}), ("slow", {"colour": "blue"})], ids=["kind", "parameter"]
)
def test_what_the_worker_does_not_know_waits_for_another(
    api: httpx.Client, lifecycle_store: Store, kind: str, parameters: dict[str, Any]
) -> None:
    """The worker of an upgrade that is under way may know it. No slot is lost over it."""
    report_id = accepted(lifecycle_store, kind, **parameters)

    report = ask.until(api, report_id, "two turns", lambda now: now["attempt"] == 2 and now["not_before"])

    assert (report["status"], report["error"]["type"]) == ("init", "unsuited")
    assert ((parameters and "colour") or kind) in report["error"]["message"]
    assert ask.letters_of(api, report_id) == []
    lifecycle_store.ledger.cancel(report_id)


def test_parameters_that_a_kind_no_longer_takes_fail_at_once(
    api: httpx.Client, lifecycle_store: Store
) -> None:
    report = ask.ended(api, accepted(lifecycle_store, "slow", steps=-1, colour="blue"))

    assert (report["status"], report["attempt"], report["error"]["type"]) == ("fail", 1, "permanent")
    assert "colour" in report["error"]["message"]


@pytest.mark.parametrize("in_a_step", [True, False])
@pytest.mark.parametrize(
    "message",
    [{"odd": True}, {"message": "a very long story; ", "repeat": 120_000}],
    ids=["not storable", "two million letters"],
)
def test_whatever_an_error_says_its_report_ends(
    api: httpx.Client, topics: Topics, message: dict[str, Any], in_a_step: bool
) -> None:
    report = ask.run(api, "flaky", failures=99, in_a_step=in_a_step, **message)

    assert (report["status"], report["attempt"]) == ("fail", 3)
    assert report["error"]["type"] in {"step_failed", "error"}, "no worker was lost over it"
    assert len(ask.letters_of(api, report["id"])) == 1

    def last() -> Record | None:
        records = topics.records_of(NAMES.report_status, report["id"])
        return records[-1] if records and records[-1].json["version"] == report["version"] else None

    eventually(last, "the last status on the topic")
    told = topics.records_of(NAMES.report_status, report["id"])
    assert [record.json["version"] for record in told] == list(range(1, report["version"] + 1))
    assert max(len(record.value or b"") for record in told) < MOST_STATUS_BYTES


def test_a_client_that_reconnects_at_every_event_sees_each_once(api: httpx.Client) -> None:
    report_id = ask.request(api, "flaky", failures=2)
    seen: list[sse.Told] = []

    while not seen or seen[-1].data["status"] not in ask.ENDED:
        with sse.opened(api, report_id, seen[-1].id if seen else None) as response:
            seen.append(next(sse.events(response)))

    assert [event.id for event in seen] == list(range(1, len(seen) + 1))
    assert seen == sse.listen(api, report_id)
    assert ask.show(api, report_id)["version"] == seen[-1].id
