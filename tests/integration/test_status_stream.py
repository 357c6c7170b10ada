"""The status stream: every event once and in order, live or replayed."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support import sse
from tests.support.kafka import Topics
from tests.support.problems import problem
from tests.support.reports import QUICK, run
from waybill.domain import TERMINAL, Status
from waybill_client import WaybillClient

LASTS_SECONDS = {"steps": 12, "failing_step": None, "max_step_ms": 200}


def test_a_stream_opened_before_the_report_begins_tells_all_of_it(
    http: httpx.Client, client: WaybillClient
) -> None:
    report = client.request("dowork", LASTS_SECONDS)

    told = sse.listen(http, report.id)

    assert [event.id for event in told] == list(range(1, len(told) + 1))
    assert [event.data["version"] for event in told] == [event.id for event in told]
    statuses = [event.data["status"] for event in told if event.event == "status"]
    assert statuses == ["init", "processing", "done"]
    assert client.show(report.id).version == told[-1].id


def test_a_replay_is_word_for_word_what_was_told_live(
    http: httpx.Client, client: WaybillClient, topics: Topics
) -> None:
    report = client.request("dowork", LASTS_SECONDS)
    live = sse.listen(http, report.id)

    replayed = sse.listen(http, report.id)

    assert replayed == live
    assert [event.data for event in live] == [
        record.json for record in topics.records_of("report-status", report.id)
    ]


def test_a_broken_stream_resumes_without_a_gap_or_a_repetition(
    http: httpx.Client, client: WaybillClient
) -> None:
    report = client.request("dowork", LASTS_SECONDS)
    with sse.opened(http, report.id) as response:
        before = list(itertools.islice(sse.events(response), 5))

    after = sse.listen(http, report.id, last_event_id=before[-1].id)

    ids = [event.id for event in before + after]
    assert ids == list(range(1, len(ids) + 1))
    assert Status(after[-1].data["status"]) in TERMINAL


def test_a_resumption_may_stand_in_the_query_for_clients_that_set_no_headers(
    http: httpx.Client, client: WaybillClient
) -> None:
    report = run(client)

    answer = http.get(sse.path(report.id), params={"last_event_id": report.version - 1})

    assert answer.text.count("data:") == 1
    assert f"id: {report.version}\n" in answer.text


def test_after_the_last_event_there_is_nothing_more_to_come(
    http: httpx.Client, client: WaybillClient
) -> None:
    report = run(client)

    answer = http.get(sse.path(report.id), headers={"Last-Event-ID": str(report.version)})

    assert answer.status_code == httpx.codes.NO_CONTENT
    assert answer.content == b""


def test_a_client_that_claims_to_have_seen_the_future_still_hears_the_end(
    http: httpx.Client, client: WaybillClient
) -> None:
    report = client.request("dowork", LASTS_SECONDS)

    with sse.opened(http, report.id, last_event_id=999_999) as response:
        told = list(sse.events(response))

    assert Status(told[-1].data["status"]) in TERMINAL


def test_a_silent_stream_shows_that_it_lives(http: httpx.Client, client: WaybillClient) -> None:
    report = client.request("dowork", {"steps": 50, "max_step_ms": 600_000})

    with sse.opened(http, report.id) as response:
        comment = next(line for line in response.iter_lines() if line.startswith(":"))
    client.cancel(report.id)

    assert comment == ": still here"


def test_a_stream_tells_browsers_and_proxies_how_to_treat_it(
    http: httpx.Client, client: WaybillClient
) -> None:
    report = run(client)

    answer = http.get(sse.path(report.id))

    assert answer.text.startswith("retry: 1000\n\n")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Accel-Buffering"] == "no"


def test_many_streams_at_once_tell_the_same(http: httpx.Client, client: WaybillClient) -> None:
    reports = [client.request("dowork", LASTS_SECONDS) for _ in range(2)]
    watched = [report.id for report in reports for _ in range(20)]

    with ThreadPoolExecutor(len(watched)) as pool:
        told = list(pool.map(lambda report_id: sse.listen(http, report_id), watched))

    for same in (told[:20], told[20:]):
        assert all(stream == same[0] for stream in same)
        assert [event.id for event in same[0]] == list(range(1, len(same[0]) + 1))


def test_open_streams_leave_room_for_other_requests(http: httpx.Client, client: WaybillClient) -> None:
    report = client.request("dowork", LASTS_SECONDS)

    with ThreadPoolExecutor(40) as pool:
        streams = [pool.submit(sse.listen, http, report.id) for _ in range(40)]
        assert http.get("/healthz").elapsed.total_seconds() < 5
        assert all(stream.result()[-1].data["status"] == "done" for stream in streams)


@pytest.mark.parametrize("last", ["-1", "1.5", "seven", "٣", "99999999999"])
def test_a_wrong_last_event_id_is_refused(last: str, http: httpx.Client, client: WaybillClient) -> None:
    report = client.request("dowork", QUICK)

    answer = http.get(sse.path(report.id), headers=[(b"Last-Event-ID", last.encode())])

    problem(answer, 422, "wrong-request")
