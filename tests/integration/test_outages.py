"""A part that is away costs only what it must, and everything goes on when it is back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from local.stack import Stack
from tests.support.database import Database
from tests.support.problems import problem
from tests.support.reports import QUICK, QUICK_SPANS, ended, run
from tests.support.traces import Traces
from tests.support.waiting import eventually, within
from waybill_client import WaybillClient


@contextmanager
def without(stack: Stack, part: str) -> Iterator[None]:
    """Stops a part, and starts it again afterwards."""
    stack.stop_part(part)
    try:
        yield
    finally:
        stack.start_part(part)


def request(http: httpx.Client) -> httpx.Response:
    return http.post("/api/v1/reports", json={"kind": "dowork", "parameters": QUICK})


def ready(http: httpx.Client) -> dict[str, Any]:
    body: dict[str, Any] = http.get("/readyz").json()
    return body


class TestCollector:
    def test_its_absence_costs_neither_callers_nor_jobs_anything(
        self, stack: Stack, http: httpx.Client, client: WaybillClient, traces: Traces
    ) -> None:
        with without(stack, "collector"):
            answers = [request(http) for _ in range(10)]
            reports = [ended(client, answer.json()["id"]) for answer in answers]

        assert {answer.status_code for answer in answers} == {202}
        assert max(answer.elapsed.total_seconds() for answer in answers) < 2
        assert {report.status for report in reports} == {"done"}
        assert len(traces.whole(run(client).trace_id, *QUICK_SPANS).spans) == 7


class TestKafka:
    def test_reports_are_accepted_meanwhile_and_run_afterwards(
        self, stack: Stack, http: httpx.Client, client: WaybillClient, traces: Traces
    ) -> None:
        with without(stack, "kafka"):
            with within(5):
                accepted = request(http)
            assert accepted.status_code == httpx.codes.ACCEPTED
            assert http.get("/healthz").is_success

        report = ended(client, accepted.json()["id"])

        assert (report.status, report.attempt) == ("done", 1)
        trace = traces.whole(report.trace_id, *QUICK_SPANS)
        assert trace.names["handle_report"] == 1

    def test_the_readiness_probe_names_it_and_stays_ready(self, stack: Stack, http: httpx.Client) -> None:
        with without(stack, "kafka"):
            eventually(lambda: ready(http)["missing"] == ["kafka"], "Kafka is said to be missing", 30)
            assert http.get("/readyz").status_code == httpx.codes.OK
            assert ready(http)["status"] == "degraded"

        eventually(lambda: ready(http)["status"] == "ok", "everything is said to be there")


class TestPostgres:
    def test_requests_are_refused_until_it_is_back(
        self, stack: Stack, http: httpx.Client, client: WaybillClient
    ) -> None:
        with without(stack, "postgres"):
            with within(10):
                refused = request(http)
            stream = http.get(f"/api/v1/reports/{uuid4()}/events")
            not_ready = http.get("/readyz")
            assert http.get("/healthz").is_success

        problem(refused, 503, "unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        assert (stream.status_code, stream.text) == (httpx.codes.OK, "retry: 1000\n\n"), "browsers come back"
        assert not_ready.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert not_ready.json()["missing"] == ["database"]
        eventually(lambda: request(http).is_success, "requests are accepted again")
        assert run(client).status == "done"

    def test_a_restart_in_the_middle_of_a_report_does_not_show(
        self, stack: Stack, client: WaybillClient, database: Database
    ) -> None:
        report = client.request("dowork", {"steps": 20, "failing_step": None, "max_step_ms": 300})
        eventually(lambda: client.show(report.id).progress, "the report has begun")

        stack.restart("postgres")

        after = ended(client, report.id)
        assert (after.status, after.attempt) == ("done", 1)
        versions = database.rows(
            "SELECT version FROM report_events WHERE report_id = :id ORDER BY version", id=report.id
        )
        assert [row["version"] for row in versions] == list(range(1, after.version + 1))
