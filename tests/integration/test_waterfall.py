"""Where a report's time went, by the API: at once from the database, and from Jaeger once it has ended."""

from typing import Any

import httpx

from local.stack import Stack
from tests.support.reports import QUICK, QUICK_SPANS, run
from tests.support.waiting import eventually
from waybill_client import WaybillClient


def test_a_report_that_has_ended_has_all_its_spans(http: httpx.Client, client: WaybillClient) -> None:
    report = run(client, "dowork", QUICK)

    def traced() -> dict[str, Any] | None:
        answer = http.get(f"/api/v1/reports/{report.id}/trace")
        assert answer.status_code == httpx.codes.OK
        found: dict[str, Any] = answer.json()
        return found if found["source"] == "jaeger" else None

    spans = eventually(traced, "the trace in Jaeger")["spans"]

    assert [span["name"] for span in spans] == ["POST /api/v1/reports", *QUICK_SPANS]
    ids = [span["id"] for span in spans]
    assert [span["parent"] for span in spans] == [None, *ids[:4], ids[4], ids[4]]
    assert {span["service"] for span in spans} == {"producer-api", "report-worker"}


def test_without_jaeger_the_database_says_where_it_went(
    stack: Stack, http: httpx.Client, client: WaybillClient
) -> None:
    report = run(client, "dowork", {**QUICK, "failing_step": 1})
    stack.stop_part("jaeger")
    try:
        found = client.waterfall(report.id)
    finally:
        stack.start_part("jaeger")

    assert (found.source, found.trace_id, found.truncated) == ("database", report.trace_id, False)
    names = [span.name for span in found.spans]
    assert set(names) - {"waiting for a slot"} == {
        *("doWork:0", "doWork:1", "handle_report", "report", "waiting"),
        *("waiting in Kafka", "waiting to be published"),
    }
    failed = [span for span in found.spans if span.status == "error"]
    assert {span.name for span in failed} == {"report", "handle_report", "doWork:1"}
    assert all(span.duration_ms is not None and not span.running for span in found.spans)
    assert found.spans[0].start == report.created_at


def test_jaegers_pages_link_back_to_the_report(stack: Stack) -> None:
    """A Jaeger that was built without its pages shows their configuration all the same."""
    page = httpx.get(f"{stack.endpoints.jaeger_url}/", trust_env=False).text

    assert f"{stack.endpoints.api_url}/reports/#{{report.id}}" in page
