"""A worker that is lost, or held up past its lease, costs an attempt, and never the report."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from tests.support import lifecycle as ask
from tests.support import sse
from tests.support.database import Database
from tests.support.lifecycle_stack import LEASE, WORKER, LifecycleStack
from tests.support.lifecycle_store import Policies, Store, attempt_trace, engine_of
from tests.support.traces import Trace, Traces
from tests.support.waiting import eventually
from waybill.artefacts import ArtefactStore
from waybill.domain import (
    End,
    Fence,
    LeasePolicy,
    NewReport,
    Progress,
    RetryPolicy,
    Status,
    StepChange,
    StepStatus,
    StepTaken,
    new_report_id,
)
from waybill.ledger import LeaseLost, Recovery
from waybill.maintenance import Maintenance, MaintenancePolicy
from waybill.store.tables import reports as table

pytest_plugins = ["tests.support.lifecycle_fixtures"]

HOUR = timedelta(hours=1)
STEP = StepTaken(StepChange("s", StepStatus.RUNNING), Progress("s", 0, 1))


def accepted(store: Store) -> UUID:
    return store.ledger.accept(NewReport(new_report_id(), "slow", {}, None)).id


def claimed(store: Store) -> Fence:
    report = store.claim(accepted(store), "the test")
    assert report is not None
    return Fence(report.id, report.attempt, "the test")


# --- in the store


def test_how_long_a_worker_has_been_silent_and_when_its_lease_ends(store: Store) -> None:
    report = store.claim(accepted(store), "the test")
    assert report is not None
    assert store.ledger.silence(report) is None, "it has just begun"
    store.pass_time(timedelta(seconds=9))
    assert store.ledger.silence(report) is None, "of two heartbeats one may be late"

    store.pass_time(timedelta(seconds=4))
    silence = store.ledger.silence(report)
    assert silence is not None
    assert timedelta(seconds=13) <= silence.lasts < timedelta(seconds=30)
    assert silence.lasts + silence.left == store.lease.time_to_live
    store.ledger.heartbeat(Fence(report.id, report.attempt, "the test"))
    assert store.ledger.silence(report) is None

    store.pass_time(HOUR)
    late = store.ledger.silence(report)
    assert late is not None
    assert (late.lasts > HOUR, late.left) == (True, timedelta(0))
    store.recovery.recover_lost(timedelta(0))
    assert store.ledger.silence(report) is None, "it is no attempt any more"
    waiting = store.ledger.get(report.id)
    assert waiting is not None
    assert store.ledger.silence(waiting) is None


def test_an_attempt_past_its_lease_can_write_nothing(store: Store) -> None:
    fence = claimed(store)
    store.pass_time(HOUR)
    before = store.ledger.get(fence.report_id)

    for write in (
        lambda: store.ledger.heartbeat(fence),
        lambda: store.ledger.steps(fence, [STEP]),
        lambda: store.ledger.finish(fence, End(Status.DONE)),
        lambda: store.ledger.release(fence),
    ):
        with pytest.raises(LeaseLost):
            write()

    assert store.ledger.get(fence.report_id) == before


def test_an_owner_cannot_write_to_its_own_next_attempt_as_the_last(store: Store) -> None:
    """The same worker may get the report again: its attempts are told apart by their numbers."""
    first = claimed(store)
    store.pass_time(HOUR)
    store.recovery.recover_lost(timedelta(0))
    second = store.claim(first.report_id, first.owner)
    assert second is not None

    with pytest.raises(LeaseLost):
        store.ledger.finish(first, End(Status.DONE))

    store.ledger.finish(Fence(first.report_id, second.attempt, first.owner), End(Status.DONE))


def test_nothing_is_reaped_in_the_first_time_to_live(store: Store) -> None:
    fence, clock = claimed(store), [1000.0]
    store.pass_time(HOUR)
    lease = LeasePolicy(timedelta(seconds=30))
    maintenance = Maintenance(
        store.recovery,
        store.retention,
        store.artefacts,
        lease,
        MaintenancePolicy(),
        store.lease_of_task,
        clock=lambda: clock[0],
    )

    for later in (0.0, 15.0, 14.9):
        clock[0] += later
        maintenance.recover()
        report = store.ledger.get(fence.report_id)
        assert report is not None
        assert (report.status, report.losses) == (Status.PROCESSING, 0)

    clock[0] += 0.2
    maintenance.recover()
    report = store.ledger.get(fence.report_id)
    assert report is not None
    assert (report.status, report.losses) == (Status.INIT, 1)


def test_reapers_of_several_processes_take_each_report_once(store: Store, store_url: str) -> None:
    fences = [claimed(store) for _ in range(250)]
    store.pass_time(HOUR)

    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=spawn) as pool:
        shares = list(pool.map(reap_everything, [store_url] * 3))

    taken = [report_id for share in shares for report_id in share]
    assert sorted(taken) == sorted(fence.report_id for fence in fences)
    for fence in fences:
        report = store.ledger.get(fence.report_id)
        assert report is not None
        assert (report.status, report.losses, report.version) == (Status.INIT, 1, 3)


def reap_everything(url: str) -> list[UUID]:
    """In a process of its own."""
    taken: list[UUID] = []
    with engine_of(url) as engine:
        store = Store(engine, ArtefactStore("memory:///"), Policies())
        while reaped := store.recovery.recover_lost(timedelta(0)):
            taken += [one.now.id for one in reaped]
    return taken


def test_a_report_that_costs_too_many_workers_fails(store: Store) -> None:
    report_id = accepted(store)
    for attempt in range(1, 11):
        assert store.claim(report_id, "the test", attempt_trace(attempt)) is not None
        store.pass_time(HOUR)
        (reaped,) = store.recovery.recover_lost(timedelta(0))

    assert (reaped.now.status, reaped.now.losses) == (Status.FAIL, 10)
    assert reaped.now.failure is not None
    assert reaped.now.failure.type == "lost"


def test_a_row_that_cannot_be_changed_keeps_no_other_report_from_recovery(store: Store) -> None:
    """Its version is behind its events, as after an edit by hand."""
    now = [0.0]
    recovery = Recovery(store.transactions, RetryPolicy(), clock=lambda: now[0])
    fences = [claimed(store) for _ in range(5)]
    wrong, others = fences[2].report_id, {one.report_id for one in (*fences[:2], *fences[3:])}
    raise_version(store, wrong, -1)
    store.pass_time(HOUR)

    with capture_logs() as logs:
        assert {one.now.id for one in recovery.recover_lost(timedelta(0))} == others
        assert recovery.recover_lost(timedelta(0)) == []
    assert [one["report_id"] for one in logs if one["log_level"] == "error"] == [str(wrong)]

    raise_version(store, wrong, 1)
    assert recovery.recover_lost(timedelta(0)) == []
    now[0] += 61
    assert [one.now.id for one in recovery.recover_lost(timedelta(0))] == [wrong]


def raise_version(store: Store, report_id: UUID, by: int) -> None:
    with store.engine.begin() as connection:
        where = table.c.id == report_id
        connection.execute(update(table).where(where).values(version=table.c.version + by))


def test_a_claim_stores_its_spans_and_tells_those_of_the_attempt_before(store: Store) -> None:
    report_id = accepted(store)
    first, second = attempt_trace(1), attempt_trace(2)

    claimed_first = store.claim(report_id, "the test", first)
    store.ledger.release(Fence(report_id, 1, "the test"))
    claimed_again = store.claim(report_id, "the test", second)
    store.pass_time(HOUR)
    (reaped,) = store.recovery.recover_lost(timedelta(0))

    assert claimed_first is not None
    assert claimed_first.attempt_trace is None
    assert claimed_again is not None
    assert claimed_again.attempt_trace == replace(first, attempt=1)
    assert reaped.spans == replace(second, attempt=2)


def test_an_attempt_without_spans_leaves_no_earlier_ones(store: Store) -> None:
    """They were sent when the attempt that they belong to ended."""
    report_id = accepted(store)
    store.claim(report_id, "the test", attempt_trace(1))
    store.ledger.release(Fence(report_id, 1, "the test"))
    store.claim(report_id, "the test")
    store.pass_time(HOUR)

    (reaped,) = store.recovery.recover_lost(timedelta(0))

    assert reaped.lost.attempt == 2
    assert reaped.spans is None


# --- with real workers


@pytest.fixture(scope="module")
def two_workers(lifecycle: LifecycleStack) -> Iterator[dict[str, str]]:
    """Both workers' names by what they sign their leases with."""
    with lifecycle.second_worker() as second:
        yield {f"/{lifecycle.pid(name)}": name for name in (WORKER, second)}


def holder(database: Database, workers: dict[str, str], report_id: str) -> str:
    """The name of the worker that has the report."""
    row = database.row("SELECT lease_owner FROM reports WHERE id = :id", id=report_id)
    assert row is not None
    (name,) = (name for end, name in workers.items() if str(row["lease_owner"]).endswith(end))
    return name


def artefact(api: httpx.Client, report: ask.Json) -> str:
    return api.get(report["artefact"]["href"]).text


def check_lost_attempt(traces: Traces, trace: Trace) -> None:
    """The first attempt's spans are there, once, and say what happened."""
    trace.outline()  # every parent is there
    traces.check_classic(trace)
    ids = [span.id for span in trace.spans]
    assert len(ids) == len(set(ids)), "a span was sent twice"
    lost = [span for span in trace.all("handle_report") if span.attributes["report.attempt"] == 1]
    assert [(span.failed, span.attributes["error.type"]) for span in lost] == [(True, "lost")]
    (consumer,) = [span for span in trace.spans if span.id == lost[0].parent_id]
    assert (consumer.name, consumer.failed) == ("report_consumer", True)


def test_a_worker_held_up_past_its_lease_changes_nothing(
    api: httpx.Client,
    lifecycle: LifecycleStack,
    lifecycle_database: Database,
    two_workers: dict[str, str],
    traces: Traces,
) -> None:
    report_id = ask.request(api, "slow", steps=8, seconds=0.4)
    ask.running(api, report_id)
    loser = holder(lifecycle_database, two_workers, report_id)

    with lifecycle.stopped(loser):
        winner = ask.until(api, report_id, "another attempt", lambda report: report["attempt"] == 2)
        assert winner["status"] == "processing"
        report = ask.ended(api, report_id)

    assert (report["status"], report["attempt"]) == ("done", 2)
    eventually(lambda: "attempt given up" in lifecycle.log(loser), "the loser's insight")
    assert ask.show(api, report_id) == report
    assert artefact(api, report) == "attempt 2\n"
    row = lifecycle_database.row(
        "SELECT artefact ->> 'key' AS key, losses FROM reports WHERE id = :id", id=report_id
    )
    assert row == {"key": f"default/reports/{report_id}/2/report.txt", "losses": 1}
    told = sse.listen(api, report_id)
    assert [event.id for event in told] == list(range(1, report["version"] + 1))

    check_lost_attempt(traces, traces.whole(report["trace_id"], "handle_report", "handle_report", "step 7"))


def test_an_end_that_comes_past_the_lease_leaves_the_winners_file(
    api: httpx.Client, lifecycle: LifecycleStack, lifecycle_database: Database, two_workers: dict[str, str]
) -> None:
    """The loser's slot has produced its file, which the loser stores when it goes on."""
    report_id = ask.request(api, "slow", steps=1, seconds=2)
    ask.running(api, report_id)
    loser = holder(lifecycle_database, two_workers, report_id)

    with lifecycle.stopped(loser):
        report = ask.ended(api, report_id)

    assert (report["status"], report["attempt"]) == ("done", 2)
    eventually(
        lambda: report_id in lifecycle.log(loser).rpartition("attempt given up")[2], "the loser's insight"
    )
    assert ask.show(api, report_id) == report
    assert artefact(api, report) == "attempt 2\n"


def test_a_killed_worker_leaves_its_report_to_another(
    api: httpx.Client,
    lifecycle: LifecycleStack,
    lifecycle_database: Database,
    two_workers: dict[str, str],
    traces: Traces,
) -> None:
    report_ids = [ask.request(api, "slow", steps=20, seconds=0.4) for _ in range(3)]
    for report_id in report_ids:
        ask.running(api, report_id)
    killed = holder(lifecycle_database, two_workers, report_ids[0])
    (owner,) = (end for end, name in two_workers.items() if name == killed)

    with lifecycle.killed(killed):
        statement = "SELECT id FROM reports WHERE lease_owner LIKE :owner"
        lost = [str(row["id"]) for row in lifecycle_database.rows(statement, owner=f"%{owner}")]
    two_workers[f"/{lifecycle.pid(killed)}"] = killed

    assert report_ids[0] in lost
    for report_id in report_ids:
        report = ask.ended(api, report_id)
        assert (report["status"], report["attempt"]) == ("done", 2 if report_id in lost else 1)

    trace_id = ask.show(api, report_ids[0])["trace_id"]
    check_lost_attempt(traces, traces.whole(trace_id, "handle_report", "handle_report"))


def test_the_lease_outlasts_a_short_hold_up(
    api: httpx.Client, lifecycle: LifecycleStack, lifecycle_database: Database, two_workers: dict[str, str]
) -> None:
    report_id = ask.request(api, "slow", steps=6, seconds=0.4)
    ask.running(api, report_id)

    with lifecycle.stopped(holder(lifecycle_database, two_workers, report_id)):
        eventually(
            lambda: lifecycle_database.rows(
                "SELECT 1 FROM reports WHERE id = :id AND lease_expires_at < clock_timestamp() + :half",
                id=report_id,
                half=LEASE / 2,
            ),
            "half of the lease gone",
        )

    report = ask.ended(api, report_id)
    assert (report["status"], report["attempt"]) == ("done", 1)


def test_no_file_of_an_attempt_is_another_ones(lifecycle: LifecycleStack) -> None:
    """Whatever the tests before this one did, each file says which attempt wrote it."""
    files = sorted(lifecycle.artefacts.rglob("report.txt"))

    assert files
    for file in files:
        assert file.read_text().split()[1] == file.parent.name
        assert UUID(Path(file.parent).parent.name)
