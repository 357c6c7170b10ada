"""What the tests of a report's lifecycle ask of the API, as JSON."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
from confluent_kafka import KafkaException

from tests.support.kafka import Topics
from tests.support.waiting import eventually

REPORTS = "/api/v1/reports"
DEAD_LETTERS = "/api/v1/dead-letters"
ENDED = {"done", "fail", "cancelled"}

Json = dict[str, Any]


def post(api: httpx.Client, kind: str, key: str | None = None, **body: Any) -> httpx.Response:
    """A request for a report, whatever comes of it. Parameters are those that are not the body's own."""
    own = {name: body.pop(name) for name in ("timeout_seconds", "outputs") if name in body}
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.post(REPORTS, json={"kind": kind, "parameters": body, **own}, headers=headers)


def request(api: httpx.Client, kind: str, **body: Any) -> str:
    """The id of a report that was accepted."""
    answer = post(api, kind, **body)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return str(answer.json()["id"])


def show(api: httpx.Client, report_id: UUID | str) -> Json:
    answer = api.get(f"{REPORTS}/{report_id}")
    assert answer.status_code == httpx.codes.OK, answer.text
    report: Json = answer.json()
    return report


def until(
    api: httpx.Client, report_id: UUID | str, what: str, holds: Callable[[Json], bool], seconds: float = 60
) -> Json:
    """The report, once `holds`."""

    def look() -> Json | None:
        report = show(api, report_id)
        return report if holds(report) else None

    return eventually(look, f"{what}, report {report_id}", seconds)


def ended(api: httpx.Client, report_id: UUID | str) -> Json:
    return until(api, report_id, "the end", lambda report: report["status"] in ENDED)


def running(api: httpx.Client, report_id: UUID | str) -> Json:
    """The report in its first step."""
    return until(
        api,
        report_id,
        "a step that runs",
        lambda report: report["status"] == "processing" and report["progress"] is not None,
    )


def run(api: httpx.Client, kind: str, **body: Any) -> Json:
    """A report from its request to its end."""
    return ended(api, request(api, kind, **body))


def letters_of(api: httpx.Client, report_id: UUID | str, *, redriven: bool = False) -> list[Json]:
    """The report's dead letters, newest first."""
    answer = api.get(DEAD_LETTERS, params={"redriven": str(redriven).lower(), "limit": 200})
    assert answer.status_code == httpx.codes.OK, answer.text
    return [letter for letter in answer.json()["dead_letters"] if letter["report_id"] == str(report_id)]


def readable(topics: Topics, name: str) -> None:
    """Waits for a leader of each partition of a topic that has just been made."""

    def look() -> bool:
        try:
            return topics.records(name) == []
        except KafkaException:
            return False

    eventually(look, f"the topic {name}")
