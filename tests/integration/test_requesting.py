"""A request is answered at once, with where the report will be."""

from typing import Any

import httpx

from tests.support.database import Database
from tests.support.reports import QUICK, ended
from waybill_client import WaybillClient

FIELDS = {
    "id",
    "kind",
    "parameters",
    "status",
    "version",
    "attempt",
    "progress",
    "error",
    "artefact",
    "trace_id",
    "created_at",
    "updated_at",
    "started_at",
    "finished_at",
    "links",
}


def test_a_post_answers_with_the_whole_report_and_where_it_is(http: httpx.Client) -> None:
    answer = http.post("/api/v1/reports", json={"kind": "dowork", "parameters": QUICK})

    report = answer.json()
    assert answer.status_code == httpx.codes.ACCEPTED
    assert answer.headers["Location"] == report["links"]["self"] == f"/api/v1/reports/{report['id']}"
    assert int(answer.headers["Retry-After"]) > 0
    assert report.keys() >= FIELDS
    assert (report["status"], report["version"], report["attempt"]) == ("init", 1, 0)
    assert http.get(report["links"]["self"]).json()["id"] == report["id"]


def test_the_articles_call_answers_as_a_post_does(http: httpx.Client) -> None:
    called = http.get("/api/report")
    posted = http.post("/api/v1/reports", json={"kind": "dowork"})

    assert called.status_code == posted.status_code == httpx.codes.ACCEPTED
    assert called.headers["Location"].startswith("/api/v1/reports/")
    assert _same_in_all(called.json()) == _same_in_all(posted.json())


def test_whoever_only_looks_at_the_articles_call_requests_nothing(http: httpx.Client) -> None:
    answer = http.head("/api/report")

    assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
    assert answer.headers["Allow"] == "GET"


def test_what_was_accepted_is_in_the_database_when_the_answer_comes(
    http: httpx.Client, database: Database
) -> None:
    report = http.post("/api/v1/reports", json={"kind": "dowork", "parameters": QUICK}).json()

    row = database.row("SELECT * FROM reports WHERE id = :id", id=report["id"])

    assert row is not None
    assert row["traceparent"].split("-")[1] == report["trace_id"]


def test_parameters_that_were_left_out_get_the_kinds_defaults(http: httpx.Client) -> None:
    report = http.post("/api/v1/reports", json={"kind": "dowork", "parameters": {"steps": 1}}).json()

    assert report["parameters"] == {"steps": 1, "failing_step": 5, "max_step_ms": 200}


def test_the_articles_job_ends_as_failed_with_its_log(http: httpx.Client, client: WaybillClient) -> None:
    report = ended(client, http.get("/api/report").json()["id"])

    assert (report.status, report.attempt) == ("fail", 1)
    assert report.error is not None
    assert (report.error.type, report.error.step) == ("step_failed", "doWork:5")
    assert report.error.message == "doWork:5: Something wrong!"
    assert report.artefact is not None
    log = http.get(report.artefact.href)
    assert log.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert [line.split("\t")[2] for line in log.text.splitlines()] == ["done"] * 5 + ["failed"] + ["done"] * 4


def test_the_kinds_tell_what_they_take(client: WaybillClient) -> None:
    kinds = {kind.name: kind for kind in client.kinds()}

    assert kinds.keys() >= {"dowork", "flights"}
    assert kinds["dowork"].parameters["properties"].keys() == {"steps", "failing_step", "max_step_ms"}
    assert kinds["flights"].parameters["additionalProperties"] is False


def _same_in_all(report: dict[str, Any]) -> dict[str, Any]:
    return {name: report[name] for name in ("kind", "parameters", "status", "version", "attempt", "error")}
