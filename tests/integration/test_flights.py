"""A `flights` report from the request to the page."""

import hashlib

import httpx
import pytest

from tests.support.reports import run
from tests.support.traces import Trace, Traces
from waybill.kinds.flights import STEPS
from waybill_client import Report, Status, WaybillClient

TREE = """\
producer-api SERVER POST /api/v1/reports
  producer-api INTERNAL report_request
    producer-api PRODUCER report_producer
      report-worker CONSUMER report_consumer
        report-worker INTERNAL handle_report
          report-worker INTERNAL load flights
          report-worker INTERNAL key figures
          report-worker INTERNAL delays by carrier
          report-worker INTERNAL delays by hour
          report-worker INTERNAL worst routes
          report-worker INTERNAL weather against delay
          report-worker INTERNAL charts
          report-worker INTERNAL render"""


@pytest.fixture(scope="module")
def run_once(client: WaybillClient, traces: Traces) -> tuple[Report, Trace]:
    parameters = {"month": 2, "carrier": "B6", "airport": "JFK"}
    return traces.published_at_once(lambda: run(client, "flights", parameters), *STEPS)


@pytest.fixture(scope="module")
def report(run_once: tuple[Report, Trace]) -> Report:
    return run_once[0]


@pytest.fixture(scope="module")
def page(http: httpx.Client, report: Report) -> httpx.Response:
    assert report.artefact is not None
    return http.get(report.artefact.href)


def test_it_ends_well_after_all_of_its_steps(run_once: tuple[Report, Trace]) -> None:
    report, trace = run_once
    assert report.status is Status.DONE
    assert report.attempt == 1
    assert report.progress is not None
    assert (report.progress.done, report.progress.total) == (8, 8)
    assert trace.outline() == TREE
    assert not [span.name for span in trace.spans if span.failed]


def test_the_page_is_what_its_report_says_it_is(report: Report, page: httpx.Response) -> None:
    assert report.artefact is not None
    assert page.is_success
    assert hashlib.sha256(page.content).hexdigest() == report.artefact.sha256
    assert len(page.content) == report.artefact.size
    assert "JetBlue" in page.text


def test_a_browser_shows_it_and_lets_it_do_nothing_else(page: httpx.Response) -> None:
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Disposition"] == 'inline; filename="flights.html"'
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "sandbox" in page.headers["Content-Security-Policy"]
    assert page.headers["ETag"] == f'"{hashlib.sha256(page.content).hexdigest()}"'


def test_a_selection_without_flights_fails_for_good_and_says_why(client: WaybillClient) -> None:
    report = run(client, "flights", {"first_day": "2013-01-01", "last_day": "2013-01-01", "carrier": "OO"})

    assert report.status is Status.FAIL
    assert report.attempt == 1
    assert report.artefact is None
    assert report.error is not None
    assert "SkyWest Airlines Inc. (OO) had no departures" in report.error.message
