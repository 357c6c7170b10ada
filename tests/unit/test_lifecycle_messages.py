"""Messages of the first version, as they were written then, still read."""

import json
from uuid import UUID

import pytest

from waybill.domain import Status
from waybill.messages import Command, DeadLetter, StatusEvent, read_command
from waybill_client.models import Report

REPORT_ID = "019ab3c4-8f00-7abc-8def-0123456789ab"

COMMAND = {
    "schema_version": 1,
    "report_id": REPORT_ID,
    "kind": "dowork",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}

STATUS_EVENT = {
    "schema_version": 1,
    "report_id": REPORT_ID,
    "kind": "dowork",
    "version": 7,
    "type": "step",
    "at": "2026-11-23T12:00:01.123456Z",
    "status": "processing",
    "attempt": 1,
    "progress": {"step": "doWork:1", "done": 1, "total": 10},
    "step": {"name": "doWork:1", "status": "running", "duration_ms": None, "error": None},
    "error": None,
    "artefact": None,
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "created_at": "2026-11-23T12:00:00.123456Z",
    "started_at": "2026-11-23T12:00:01Z",
    "finished_at": None,
}
"""Before `not_before` and `cancel_requested`."""

DEAD_LETTER = {
    "schema_version": 1,
    "id": REPORT_ID,
    "reason": "not_json",
    "detail": "The message's value is not JSON.",
    "topic": "report",
    "partition": 3,
    "offset": 41,
    "key_base64": None,
    "value_base64": "eA==",
    "value_size": 1,
    "traceparent": None,
    "at": "2026-11-23T12:00:00Z",
}
"""Before `attempts` and `stack`, `report_id` among them."""


def test_a_command_of_the_first_version() -> None:
    command = read_command(REPORT_ID.encode(), json.dumps(COMMAND).encode())

    assert isinstance(command, Command)
    assert (command.report_id, command.kind) == (UUID(REPORT_ID), "dowork")
    assert command.carrier is not None


def test_a_status_event_of_the_first_version() -> None:
    event = StatusEvent.model_validate_json(json.dumps(STATUS_EVENT))

    assert (event.version, event.status) == (7, Status.PROCESSING)
    assert (event.not_before, event.cancel_requested) == (None, False)


def test_a_dead_letter_of_the_first_version() -> None:
    letter = DeadLetter.model_validate_json(json.dumps(DEAD_LETTER))

    assert (letter.reason, letter.report_id, letter.attempts, letter.stack) == ("not_json", None, None, None)


@pytest.mark.parametrize(("model", "sample"), [(StatusEvent, STATUS_EVENT), (DeadLetter, DEAD_LETTER)])
def test_fields_of_a_later_version_do_no_harm(
    model: type[StatusEvent] | type[DeadLetter], sample: dict[str, object]
) -> None:
    later = {**sample, "of_tomorrow": {"a": 1}}

    assert model.model_validate(later).model_dump() == model.model_validate(sample).model_dump()


def test_a_client_reads_a_report_with_fields_of_a_later_version() -> None:
    report = {
        "id": REPORT_ID,
        "kind": "dowork",
        "parameters": {},
        "status": "init",
        "version": 1,
        "attempt": 0,
        "created_at": "2026-11-23T12:00:00Z",
        "updated_at": "2026-11-23T12:00:00Z",
        "of_tomorrow": True,
    }

    assert Report.model_validate(report).status == Status.INIT.value
