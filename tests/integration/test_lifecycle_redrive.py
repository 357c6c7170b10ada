"""What failed can be begun anew, one by one or many at once, and stays one trace."""

from itertools import pairwise
from uuid import UUID

import httpx

from tests.support import lifecycle as ask
from tests.support.kafka import Record, Topics
from tests.support.lifecycle_stack import NAMES
from tests.support.problems import problem
from tests.support.traces import Span, Traces
from tests.support.waiting import eventually
from waybill.domain import new_report_id

pytest_plugins = ["tests.support.lifecycle_fixtures"]


def retry(api: httpx.Client, report_id: UUID | str) -> httpx.Response:
    return api.post(f"{ask.REPORTS}/{report_id}:retry")


def redrive(api: httpx.Client, **wanted: object) -> ask.Json:
    answer = api.post(f"{ask.DEAD_LETTERS}:redrive", json=wanted)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    body: ask.Json = answer.json()
    return body


def number_of(span: Span) -> int:
    return int(span.attributes["report.attempt"])


def test_a_failed_report_is_tried_again_in_its_trace(api: httpx.Client, traces: Traces) -> None:
    failed = ask.run(api, "flaky", failures=3)
    assert failed["status"] == "fail"

    answer = retry(api, failed["id"])
    report = ask.ended(api, failed["id"])

    assert answer.status_code == httpx.codes.ACCEPTED
    begun = answer.json()
    assert (begun["status"], begun["error"], begun["finished_at"]) == ("init", None, None)
    assert (report["status"], report["attempt"]) == ("done", 4)
    assert report["trace_id"] == failed["trace_id"]

    trace = traces.whole(report["trace_id"], *["handle_report"] * 4)
    trace.outline()  # every parent is there
    attempts = sorted(trace.all("handle_report"), key=number_of)
    assert [number_of(span) for span in attempts] == [1, 2, 3, 4]
    assert [span.failed for span in attempts] == [True, True, True, False]
    assert attempts[0].links == ()
    for before, span in pairwise(attempts):
        assert span.links == ((report["trace_id"], before.id),), "a link to the attempt before it"


def test_its_dead_letter_no_longer_waits(api: httpx.Client) -> None:
    report = ask.run(api, "flaky", failures=3)
    (letter,) = ask.letters_of(api, report["id"])
    assert letter["redriven_at"] is None

    retry(api, report["id"])
    ask.ended(api, report["id"])

    assert ask.letters_of(api, report["id"]) == []
    (kept,) = ask.letters_of(api, report["id"], redriven=True)
    assert kept["id"] == letter["id"]
    assert kept["redriven_at"] is not None


def test_a_report_that_fails_again_gets_another_letter(api: httpx.Client) -> None:
    report = ask.run(api, "flaky", failures=6)

    retry(api, report["id"])
    report = ask.ended(api, report["id"])

    assert (report["status"], report["attempt"]) == ("fail", 6), "it has all of its attempts again"
    assert [letter["attempts"] for letter in ask.letters_of(api, report["id"], redriven=True)] == [6, 3]
    assert [letter["attempts"] for letter in ask.letters_of(api, report["id"])] == [6]


def test_many_are_redriven_by_their_reason(api: httpx.Client) -> None:
    outside = [ask.request(api, "flaky", failures=3, in_a_step=False) for _ in range(3)]
    inside = ask.run(api, "flaky", failures=3)
    assert {ask.ended(api, report_id)["status"] for report_id in outside} == {"fail"}

    redriven = redrive(api, reason="error", limit=200)

    assert set(outside) <= set(redriven["reports"])
    assert inside["id"] not in redriven["reports"]
    assert redriven["refused"] == []
    assert {ask.ended(api, report_id)["status"] for report_id in outside} == {"done"}
    assert ask.show(api, inside["id"])["status"] == "fail"
    assert not set(outside) & set(redrive(api, reason="error")["reports"])


def test_a_redrive_takes_no_more_than_it_is_told(api: httpx.Client) -> None:
    report_ids = [ask.request(api, "crash", crashes=2) for _ in range(3)]
    for report_id in report_ids:
        ask.ended(api, report_id)

    first = redrive(api, reason="slot_died", limit=2)
    second = redrive(api, reason="slot_died")

    assert len(first["reports"]) == 2
    assert set(report_ids) <= {*first["reports"], *second["reports"]}
    for report_id in report_ids:
        ask.ended(api, report_id)


def test_messages_that_nobody_can_read_hide_no_report(api: httpx.Client, topics: Topics) -> None:
    report_id = ask.run(api, "flaky", failures=3)["id"]
    topics.send(NAMES.report, *(Record(b"certainly not") for _ in range(3)))
    waiting = f"{ask.DEAD_LETTERS}?reason=not_json&limit=3"
    eventually(lambda: len(api.get(waiting).json()["dead_letters"]) == 3, "the messages' letters")

    for _ in range(20):  # other tests leave letters of reports too
        redriven = redrive(api, limit=1)
        assert (len(redriven["reports"]), redriven["refused"]) == (1, [])
        if redriven["reports"] == [report_id]:
            break

    assert ask.ended(api, report_id)["status"] == "done"


def test_a_cancelled_report_can_be_begun_anew(api: httpx.Client) -> None:
    report_id = ask.request(api, "slow", steps=20, seconds=0.2)
    ask.running(api, report_id)
    api.post(f"{ask.REPORTS}/{report_id}:cancel")
    assert ask.ended(api, report_id)["status"] == "cancelled"

    retry(api, report_id)

    report = ask.ended(api, report_id)
    assert (report["status"], report["attempt"], report["cancel_requested"]) == ("done", 2, False)


def test_what_has_not_failed_cannot_be_begun_anew(api: httpx.Client) -> None:
    done = ask.run(api, "slow", steps=1, seconds=0)
    runs = ask.request(api, "slow", steps=20, seconds=0.1)
    ask.running(api, runs)

    problem(retry(api, done["id"]), 409, "not-redrivable")
    problem(retry(api, runs), 409, "not-redrivable")

    assert ask.show(api, done["id"]) == done
    assert ask.ended(api, runs)["attempt"] == 1


def test_what_is_not_there_cannot_be_begun_anew(api: httpx.Client) -> None:
    problem(retry(api, new_report_id()), 404, "no-such-report")
