"""Whatever a job does to its process ends one attempt, and never the worker."""

import multiprocessing
import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from report_worker.slots import SlotPool
from tests.support import lifecycle as ask
from tests.support import sse
from tests.support.lifecycle_stack import SLOT_MEMORY_MIB, WORKER, LifecycleStack
from tests.support.problems import problem
from tests.support.traces import Traces
from tests.support.waiting import eventually

pytest_plugins = ["tests.support.lifecycle_fixtures"]


@pytest.fixture(autouse=True)
def _worker_lives_on(lifecycle: LifecycleStack, api: httpx.Client) -> Iterator[None]:
    """The same process as before, and it works."""
    before = lifecycle.pid(WORKER)
    yield
    lifecycle.runner.check()
    assert lifecycle.pid(WORKER) == before
    assert ask.run(api, "slow", steps=1, seconds=0)["status"] == "done"


@pytest.mark.parametrize(("how", "code"), [("exit", "41"), ("segfault", "-11")])
def test_a_crash_ends_an_attempt(api: httpx.Client, how: str, code: str) -> None:
    report = ask.run(api, "crash", crashes=1, how=how)

    assert (report["status"], report["attempt"]) == ("done", 2)
    (failed,) = [event for event in sse.listen(api, report["id"]) if event.data["not_before"]]
    assert failed.data["error"]["type"] == "slot_died"
    assert code in failed.data["error"]["message"]
    assert failed.data["error"]["step"] == "only step"


def test_a_report_that_always_crashes_becomes_a_dead_letter(api: httpx.Client) -> None:
    report = ask.run(api, "crash", crashes=99)

    assert (report["status"], report["attempt"]) == ("fail", 2)
    assert report["error"]["type"] == "slot_died"
    (letter,) = ask.letters_of(api, report["id"])
    assert (letter["reason"], letter["attempts"], letter["stack"]) == ("slot_died", 2, None)


@pytest.mark.parametrize(("kind", "said"), [("nothing", "NoneType, not an Artefact"), ("no_file", "no file")])
def test_a_job_that_returns_no_artefact_is_told_so(api: httpx.Client, kind: str, said: str) -> None:
    report = ask.run(api, kind)

    assert (report["status"], report["attempt"]) == ("fail", 1)
    assert said in report["error"]["message"]


def test_many_crashes_cost_no_slot(api: httpx.Client) -> None:
    crashing = [ask.request(api, "crash", crashes=1) for _ in range(4)]

    assert {ask.ended(api, report_id)["status"] for report_id in crashing} == {"done"}

    slow = [ask.request(api, "slow", steps=4, seconds=0.5) for _ in range(3)]
    for report_id in slow:  # all of them at once: every slot is there again
        ask.running(api, report_id)
    assert [ask.ended(api, report_id)["status"] for report_id in slow] == ["done"] * 3


def test_a_kinds_limit_ends_an_attempt(api: httpx.Client, traces: Traces) -> None:
    report = ask.run(api, "hurried", seconds=30)

    assert (report["status"], report["error"]["type"]) == ("fail", "timed_out")
    assert "0:00:01" in report["error"]["message"]
    assert report["error"]["step"] == "only step"
    (step,) = traces.whole(report["trace_id"], "handle_report", "only step").all("only step")
    assert step.attributes["error.type"] == "interrupted"


def test_a_requests_limit_ends_an_attempt(api: httpx.Client) -> None:
    report = ask.run(api, "hang", seconds=30, timeout_seconds=0.5)

    assert (report["status"], report["error"]["type"]) == ("fail", "timed_out")
    assert "0:00:00.5" in report["error"]["message"]


@pytest.mark.parametrize("limit", [60.1, 1e9, 0, -1, "soon"])
def test_a_limit_must_be_within_the_kinds(api: httpx.Client, limit: object) -> None:
    problem(ask.post(api, "hang", timeout_seconds=limit), 422, "wrong-request")


def test_a_job_that_takes_too_much_memory_fails(api: httpx.Client) -> None:
    report = ask.run(api, "hog", mebibytes=4096)

    assert (report["status"], report["attempt"]) == ("fail", 1)
    assert "MemoryError" in report["error"]["message"]
    (letter,) = ask.letters_of(api, report["id"])
    assert "MemoryError" in letter["stack"]


def test_a_job_within_its_memory_is_done(api: httpx.Client) -> None:
    assert ask.run(api, "hog", mebibytes=64)["status"] == "done"


@pytest.mark.parametrize(("leaked", "status"), [(350, "done"), (4096, "fail")])
def test_a_job_that_leaks_memory_costs_no_other(api: httpx.Client, leaked: int, status: str) -> None:
    assert ask.run(api, "leak", mebibytes=leaked)["status"] == status

    for _ in range(6):  # one after the other: the first slot that is free has the next
        assert ask.run(api, "hog", mebibytes=300)["status"] == "done"


def test_a_free_slot_that_has_died_is_made_anew() -> None:
    pool = SlotPool(1, 100, SLOT_MEMORY_MIB, "json", "warning")
    try:
        eventually(lambda: pool.free == 1, "the slot")
        (child,) = multiprocessing.active_children()
        assert child.pid
        os.kill(child.pid, signal.SIGKILL)
        child.join()

        assert not pool.wait_for_free(0)
        eventually(lambda: pool.wait_for_free(0.1), "another slot")
        assert pool.take().is_alive
    finally:
        pool.close()


def test_a_slot_is_free_only_once_it_takes_a_job_at_once() -> None:
    """While a report waits for its slot to start, nobody renews its lease."""
    pool = SlotPool(2, 100, SLOT_MEMORY_MIB, "json", "warning")
    try:
        assert pool.free == 0, "they have only just begun"
        eventually(lambda: pool.free == 2, "both slots")
        broken = pool.take()
        pool.give_back(broken, usable=False)
        assert pool.free == 1, "the new one is not ready yet"
        eventually(lambda: pool.free == 2, "the new slot")
    finally:
        pool.close()
    assert pool.free == 0


def test_slots_that_still_start_end_with_their_pool() -> None:
    pool = SlotPool(1, 100, SLOT_MEMORY_MIB, "json", "warning")
    before = set(multiprocessing.active_children())

    pool.close()

    eventually(lambda: not any(child.is_alive() for child in before), "the slot's end")
    assert pool.free == pool.missing == 0
