"""Every change of a report is published on `report-status`, in order."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.database import Database
from tests.support.kafka import Record, Topics
from tests.support.reports import run
from tests.support.waiting import eventually
from waybill.messages.schemas import stored_schema
from waybill_client import Report, WaybillClient


@pytest.fixture(scope="module")
def report(client: WaybillClient) -> Report:
    return run(client, "dowork", {"steps": 3, "failing_step": 1, "max_step_ms": 20})


@pytest.fixture(scope="module")
def records(report: Report, topics: Topics) -> list[Record]:
    def look() -> list[Record] | None:
        found = topics.records_of("report-status", report.id)
        return found if found and found[-1].json["finished_at"] else None

    return eventually(look, f"the last status event of report {report.id}")


def test_there_is_one_for_each_version_without_a_gap(report: Report, records: list[Record]) -> None:
    assert [record.json["version"] for record in records] == list(range(1, report.version + 1))


def test_they_stay_in_order_because_they_share_a_partition(records: list[Record]) -> None:
    assert len({record.partition for record in records}) == 1


def test_they_tell_the_statuses_and_each_step_twice(records: list[Record]) -> None:
    told = [_told(record.json) for record in records]

    assert told == [
        "init",
        "processing",
        "doWork:0 running",
        "doWork:0 done",
        "doWork:1 running",
        "doWork:1 failed",
        "doWork:2 running",
        "doWork:2 done",
        "fail",
    ]


def test_the_last_one_equals_the_row(records: list[Record], report: Report, database: Database) -> None:
    row = database.row("SELECT * FROM reports WHERE id = :id", id=report.id)
    last = records[-1].json

    assert row is not None
    assert last["version"] == row["version"]
    assert last["status"] == row["status"] == "fail"
    assert last["attempt"] == row["attempt"] == 1
    assert last["progress"] == row["progress"] == {"step": "doWork:2", "done": 3, "total": 3}
    assert last["error"] == row["failure"]
    assert last["artefact"].items() <= row["artefact"].items()
    assert last["trace_id"] == row["traceparent"].split("-")[1] == report.trace_id


def test_they_say_how_long_a_step_took_and_why_it_failed(records: list[Record]) -> None:
    failed = next(record.json["step"] for record in records if _told(record.json) == "doWork:1 failed")

    assert failed["error"] == "Something wrong!"
    assert 0 <= failed["duration_ms"] < 10_000


def test_each_is_as_its_schema_says(records: list[Record]) -> None:
    validator = Draft202012Validator(
        json.loads(stored_schema("status-event.v1.json")), format_checker=Draft202012Validator.FORMAT_CHECKER
    )

    for record in records:
        validator.validate(record.json)


def test_the_outbox_is_empty_afterwards(records: list[Record], database: Database) -> None:
    eventually(lambda: database.count("outbox") == 0, "an empty outbox")


def _told(event: dict[str, Any]) -> str:
    step = event["step"]
    return f"{step['name']} {step['status']}" if event["type"] == "step" else str(event["status"])
