"""The list of reports: filters, and pages that stay whole while reports arrive."""

from typing import Any
from uuid import UUID

import httpx

from tests.support.reports import QUICK, run
from waybill_client import WaybillClient


def page(http: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = http.get("/api/v1/reports", params=query)
    assert answer.is_success, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_no_report_is_missing_or_told_twice_while_new_ones_arrive(
    http: httpx.Client, client: WaybillClient
) -> None:
    there = [client.request("dowork", QUICK).id for _ in range(5)]
    told: list[UUID] = []
    cursor: str | None = None

    while True:
        answer = page(http, limit=2, **({"cursor": cursor} if cursor else {}))
        told += [UUID(report["id"]) for report in answer["reports"]]
        client.request("dowork", QUICK)
        cursor = answer["next_cursor"]
        if cursor is None or len(told) > 1000 or there[0] in told:
            break

    assert len(told) == len(set(told))
    assert [report_id for report_id in told if report_id in there] == list(reversed(there))


def test_newest_first(http: httpx.Client, client: WaybillClient) -> None:
    older, newer = client.request("dowork", QUICK).id, client.request("dowork", QUICK).id

    ids = [UUID(report["id"]) for report in page(http, limit=2)["reports"]]

    assert ids == [newer, older]


def test_the_last_page_says_that_it_is_the_last(http: httpx.Client, client: WaybillClient) -> None:
    oldest = list(client.reports())[-1]

    answer = page(http, cursor=str(oldest.id))

    assert answer == {"reports": [], "next_cursor": None, "searched": None}


def test_filters_by_status_and_kind(http: httpx.Client, client: WaybillClient) -> None:
    done = run(client, "dowork", QUICK)
    failed = run(client, "dowork", {**QUICK, "failing_step": 0})
    flights = run(client, "flights", {"first_day": "2013-01-01", "last_day": "2013-01-01"})

    assert _ids(page(http, status="done", kind="dowork"))[0] == done.id
    assert _ids(page(http, status="fail"))[0] == failed.id
    assert _ids(page(http, kind="flights"))[0] == flights.id
    assert page(http, status="cancelled", kind="flights")["reports"] == []
    for report in page(http, status="done", kind="dowork")["reports"]:
        assert (report["status"], report["kind"]) == ("done", "dowork")


def test_a_listed_report_reads_as_itself(http: httpx.Client, client: WaybillClient) -> None:
    report = run(client)

    (listed,) = page(http, limit=1)["reports"]

    assert {**listed, "estimate": None} == http.get(f"/api/v1/reports/{report.id}").json()


def _ids(answer: dict[str, Any]) -> list[UUID]:
    return [UUID(report["id"]) for report in answer["reports"]]
