"""Whatever a job does to its process ends one attempt, and never the worker."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support import lifecycle as ask
from tests.support import sse
from tests.support.lifecycle_stack import WORKER, LifecycleStack
from tests.support.problems import problem
from tests.support.slots import processes_with
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


@pytest.mark.parametrize(("how", "code"), [("exit", "41"), ("segfault", "SIGSEGV")])
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


@pytest.mark.parametrize("how", ["child", "daemon"])
@pytest.mark.parametrize("end", ["time-out", "cancel", "crash"])
def test_what_a_job_has_started_ends_with_its_attempt(api: httpx.Client, how: str, end: str) -> None:
    limit = {"timeout_seconds": 2} if end == "time-out" else {}
    report_id = ask.request(api, "spawn", how=how, seconds=0 if end == "crash" else 600, **limit)
    if end == "cancel":
        ask.running(api, report_id)
        eventually(lambda: processes_with(report_id), "what the job starts")
        api.post(f"{ask.REPORTS}/{report_id}:cancel")

    report = ask.ended(api, report_id)

    assert report["status"] == ("cancelled" if end == "cancel" else "fail")
    assert not processes_with(report_id)


@pytest.mark.parametrize("how", ["asyncio", "unreadable", "exit"])
def test_whatever_a_step_raises_is_on_its_span_and_in_the_error(
    api: httpx.Client, traces: Traces, how: str
) -> None:
    report = ask.run(api, "raise_one", how=how)

    assert (report["status"], report["error"]["type"], report["error"]["step"]) == (
        "fail",
        "step_failed",
        "only step",
    )
    (step,) = traces.whole(report["trace_id"], "handle_report", "only step").all("only step")
    (exception,) = (event for event in step.events if event.name == "exception")
    said = exception.attributes["exception.message"]
    assert step.attributes["error.type"]
    assert report["error"]["message"] == f"only step: {said}"


@pytest.mark.parametrize("what", ["timers", "umask", "working directory", "child processes"])
def test_what_a_job_leaves_in_its_process_costs_no_other(api: httpx.Client, what: str) -> None:
    for _ in range(3):  # in every slot
        assert ask.run(api, "leave", how=what)["status"] == "done"

    after = [ask.request(api, "slow", steps=2, seconds=0.6) for _ in range(3)]  # longer than the alarm takes
    assert {ask.ended(api, report_id)["status"] for report_id in after} == {"done"}


@pytest.mark.parametrize("how", ["outside", "dots", "link", "hard link", "linked directory"])
def test_an_artefact_comes_from_the_jobs_own_directory_alone(api: httpx.Client, how: str) -> None:
    report = ask.run(api, "return_one", how=how)

    assert (report["status"], report["artefact"]) == ("fail", None)
    assert "must return a file in work.directory" in report["error"]["message"]
