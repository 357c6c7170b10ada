"""Cancelling: at once while a report waits, at its next step while it runs, by force where it hangs."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support import lifecycle as ask
from tests.support import sse
from tests.support.lifecycle_stack import CANCEL_GRACE, WORKER, LifecycleStack
from tests.support.lifecycle_store import Store
from tests.support.problems import problem
from tests.support.traces import Traces
from tests.support.waiting import within
from waybill.domain import (
    End,
    Failure,
    Fence,
    LeasePolicy,
    NewReport,
    Report,
    Requeue,
    Retry,
    Status,
    new_report_id,
)
from waybill.ledger import LeaseLost
from waybill.ledger.batch import write_all
from waybill.ledger.writes import Conclusion
from waybill.store import DeadLetterFilter

pytest_plugins = ["tests.support.lifecycle_fixtures"]

BUSY_SECONDS = 3
"""Added to what a promise says: other programs use the machine."""


def cancel(api: httpx.Client, report_id: UUID | str) -> httpx.Response:
    return api.post(f"{ask.REPORTS}/{report_id}:cancel")


def waiting(store: Store) -> UUID:
    """A report that no command tells any worker of."""
    new = NewReport(
        new_report_id(), "slow", {"steps": 1, "seconds": 0}, None, source=f"test/{new_report_id()}"
    )
    return store.ledger.accept_external(new).id


def claimed(store: Store) -> Fence:
    report = store.claim(waiting(store), "the test")
    assert report is not None
    return Fence(report.id, report.attempt, "the test")


def test_a_report_that_waits_ends_at_once(api: httpx.Client, lifecycle_store: Store) -> None:
    report_id = waiting(lifecycle_store)

    answer = cancel(api, report_id)

    assert answer.status_code == httpx.codes.ACCEPTED
    assert (answer.json()["status"], answer.json()["attempt"]) == ("cancelled", 0)
    assert answer.json()["finished_at"] is not None


def test_a_report_that_runs_ends_at_its_next_step(api: httpx.Client) -> None:
    report_id = ask.request(api, "slow", steps=100, seconds=0.2)
    ask.running(api, report_id)

    with within(1 + BUSY_SECONDS):
        answer = cancel(api, report_id)
        assert answer.status_code == httpx.codes.ACCEPTED
        assert (answer.json()["status"], answer.json()["cancel_requested"]) == ("processing", True)
        report = ask.ended(api, report_id)

    assert (report["status"], report["attempt"], report["artefact"]) == ("cancelled", 1, None)
    told = sse.listen(api, report_id)
    started = {event.data["step"]["name"] for event in told if event.event == "step"}
    assert len(started) < 100
    assert told[-1].data["status"] == "cancelled"


def test_what_was_done_before_a_cancel_is_in_the_trace(api: httpx.Client, traces: Traces) -> None:
    report_id = ask.request(api, "slow", steps=100, seconds=0.05)
    ask.until(api, report_id, "some steps", lambda now: now["progress"] and now["progress"]["done"] > 5)

    cancel(api, report_id)

    report = ask.ended(api, report_id)
    done = [f"step {number}" for number in range(report["progress"]["done"])]
    assert len(traces.whole(report["trace_id"], "handle_report", *done).all("handle_report")) == 1


def test_a_report_that_hangs_ends_by_force(api: httpx.Client, lifecycle: LifecycleStack) -> None:
    worker = lifecycle.pid(WORKER)
    report_id = ask.request(api, "hang", seconds=600)
    ask.running(api, report_id)

    with within(1 + CANCEL_GRACE.total_seconds() + BUSY_SECONDS):
        cancel(api, report_id)
        report = ask.ended(api, report_id)

    assert (report["status"], report["attempt"]) == ("cancelled", 1)
    assert lifecycle.pid(WORKER) == worker
    after = [ask.request(api, "slow", steps=1, seconds=0) for _ in range(6)]
    assert {ask.ended(api, one)["status"] for one in after} == {"done"}, "its slot works again"


def test_a_cancelled_report_leaves_its_slot_to_others(api: httpx.Client) -> None:
    """The slot takes its next job although the last one was told to stop."""
    for _ in range(3):
        report_id = ask.request(api, "slow", steps=100, seconds=0.05)
        ask.running(api, report_id)
        cancel(api, report_id)
        assert ask.ended(api, report_id)["status"] == "cancelled"

    reports = [ask.request(api, "slow", steps=3, seconds=0.1) for _ in range(6)]

    assert {ask.ended(api, report_id)["status"] for report_id in reports} == {"done"}


def test_a_report_that_waits_for_its_retry_ends_at_once(api: httpx.Client) -> None:
    report_id = ask.request(api, "flaky", failures=99)
    ask.until(api, report_id, "the wait", lambda report: report["not_before"] is not None)

    answer = cancel(api, report_id)

    assert answer.status_code == httpx.codes.ACCEPTED
    if answer.json()["status"] == "cancelled":  # else the wait was over just now
        assert answer.json()["not_before"] is None
        assert answer.json()["attempt"] == ask.ended(api, report_id)["attempt"]
    assert ask.ended(api, report_id)["status"] == "cancelled"


def test_cancelling_twice_is_cancelling_once(api: httpx.Client) -> None:
    report_id = ask.request(api, "slow", steps=100, seconds=0.2)
    ask.running(api, report_id)

    first, second = cancel(api, report_id), cancel(api, report_id)
    ended = ask.ended(api, report_id)
    third = cancel(api, report_id)

    assert {first.status_code, second.status_code, third.status_code} == {httpx.codes.ACCEPTED}
    assert {**third.json(), "estimate": None} == ended
    asked = [event for event in sse.listen(api, report_id) if event.data["cancel_requested"]]
    statuses = [event.data["status"] for event in asked if event.event == "status"]
    assert statuses == ["processing", "cancelled"]


def test_what_has_ended_cannot_be_cancelled(api: httpx.Client) -> None:
    for kind in ("slow", "permanent"):
        more = {"steps": 1, "seconds": 0} if kind == "slow" else {}
        report = ask.run(api, kind, **more)

        body = problem(cancel(api, report["id"]), 409, "already-ended")

        assert body["report_id"] == report["id"]
        assert ask.show(api, report["id"]) == report


def test_what_is_not_there_cannot_be_cancelled(api: httpx.Client) -> None:
    problem(cancel(api, new_report_id()), 404, "no-such-report")
    problem(cancel(api, "nothing"), 404, "no-such-report")


def test_a_race_with_the_end_has_one_winner(api: httpx.Client) -> None:
    count = 24
    report_ids = [ask.request(api, "slow", steps=1, seconds=0.05) for _ in range(count)]

    def race(number: int) -> tuple[str, httpx.Response]:
        ask.until(api, report_ids[number], "its claim", lambda report: report["status"] != "init")
        time.sleep(number % 8 * 0.02)
        return report_ids[number], cancel(api, report_ids[number])

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(race, range(count)))

    for report_id, answer in answers:
        report = ask.ended(api, report_id)
        told = [event for event in sse.listen(api, report_id) if event.event == "status"]
        ends = [event.data["status"] for event in told if event.data["status"] in ask.ENDED]
        assert ends == [report["status"]], "one end"
        if answer.status_code == httpx.codes.CONFLICT:
            assert report["status"] == "done"
        else:
            assert answer.status_code == httpx.codes.ACCEPTED
            assert report["status"] in {"cancelled", "done"}
        assert (report["artefact"] is not None) == (report["status"] == "done")


def test_in_the_store_too_the_race_has_one_winner(store: Store) -> None:
    """Closer than over HTTP: a cancel and an end that begin at the same instant."""
    outcomes = set()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(150):
            fence, start = claimed(store), Barrier(2)

            def end(fence: Fence = fence, start: Barrier = start) -> bool:
                start.wait()
                store.ledger.finish(fence, End(Status.DONE))
                return True

            def stop(fence: Fence = fence, start: Barrier = start) -> bool:
                start.wait()
                return store.ledger.cancel(fence.report_id) is not None

            ending, stopping = pool.submit(end), pool.submit(stop)
            assert ending.result()
            outcomes.add(asked := stopping.result())
            report = store.ledger.get(fence.report_id)
            assert report is not None
            assert (report.status, report.cancel_requested) == (Status.DONE, asked)
            assert len(store.ledger.events_after(report.id, 0, 1000)) == report.version
    assert outcomes, "both orders happen on most machines; none may break it"


def test_a_cancel_while_the_report_is_handed_back_ends_it(store: Store) -> None:
    """The worker's change is not committed yet: the report neither waits nor runs."""
    fence = claimed(store)
    with ThreadPoolExecutor(1) as pool:
        with store.ledger.changes() as changes:
            (released,) = write_all(changes, [Conclusion(fence, Requeue())], LeasePolicy())
            assert isinstance(released, Report)
            stopping = pool.submit(store.ledger.cancel, fence.report_id)
            time.sleep(0.5)  # as long as it takes where it does not wait
        cancelled = stopping.result()

    assert cancelled is not None
    assert cancelled.status is Status.CANCELLED


def test_a_failure_of_a_report_that_is_to_be_cancelled_ends_it(store: Store) -> None:
    """It does not wait for its retry first."""
    fence = claimed(store)
    store.ledger.cancel(fence.report_id)

    report = store.ledger.retry(fence, Retry(Failure("error", "It went wrong."), CANCEL_GRACE))

    assert (report.status, report.not_before) == (Status.CANCELLED, None)


@pytest.mark.parametrize("exhausted", [True, False])
def test_the_last_failure_of_a_report_that_is_to_be_cancelled_is_its_cancellation(
    store: Store, exhausted: bool
) -> None:
    fence = claimed(store)
    store.ledger.cancel(fence.report_id)

    end = End(Status.FAIL, Failure("timed_out", "It took too long."), exhausted, "a stack")
    report = store.ledger.finish(fence, end)

    assert (report.status, report.failure, report.failures) == (Status.CANCELLED, None, 0)
    assert store.dead_letters.page(DeadLetterFilter()) == []


@pytest.mark.parametrize(
    ("kind", "timeout", "more"),
    [
        ("hang", 2.0, {"seconds": 600}),  # one long step, until the time-out
        ("crash", None, {"crashes": 99, "after": 0.6}),
        ("permanent", None, {"after": 0.6}),
    ],
)
def test_a_cancel_wins_over_any_failure_that_comes_before_the_next_step(
    api: httpx.Client, kind: str, timeout: float | None, more: dict[str, Any]
) -> None:
    """A step that would go on for longer than the grace, but fails meanwhile."""
    limit = {} if timeout is None else {"timeout_seconds": timeout}
    report_id = ask.request(api, kind, **limit, **more)
    began = ask.running(api, report_id)
    if timeout is not None:  # the time-out comes before the end of the grace
        time.sleep(timeout - CANCEL_GRACE.total_seconds() / 2)

    cancelled = cancel(api, report_id)

    assert (began["status"], cancelled.status_code) == ("processing", httpx.codes.ACCEPTED)
    report = ask.ended(api, report_id)
    assert (report["status"], report["attempt"], report["error"]) == ("cancelled", 1, None)
    assert ask.letters_of(api, report_id) == []


def test_handing_back_a_report_that_is_to_be_cancelled_ends_it(store: Store) -> None:
    fence = claimed(store)
    store.ledger.cancel(fence.report_id)

    assert store.ledger.release(fence).status is Status.CANCELLED
    commands = "SELECT count(*) FROM outbox WHERE topic = 'report'"
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql(commands).scalar() == 0


def test_losing_a_report_that_is_to_be_cancelled_ends_it(store: Store) -> None:
    fence = claimed(store)
    store.ledger.cancel(fence.report_id)
    store.pass_time(CANCEL_GRACE * 1000)

    (reaped,) = store.recovery.recover_lost(CANCEL_GRACE)

    assert reaped.now.status is Status.CANCELLED
    with pytest.raises(LeaseLost):
        store.ledger.finish(fence, End(Status.DONE))
