"""Maintenance is done by one process at a time, and by another soon after that one has died or hangs."""

import signal
from contextlib import ExitStack
from datetime import timedelta
from subprocess import Popen
from uuid import UUID

import pytest

from tests.support.database import Database
from tests.support.lifecycle_store import Store
from tests.support.maintaining import maintaining
from tests.support.waiting import eventually
from waybill.domain import NewReport, new_report_id
from waybill.store import StoreUnavailable, TaskLease, create_engine

pytest_plugins = ["tests.support.lifecycle_fixtures"]

LENGTH = timedelta(seconds=30)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


def lease(store: Store, holder: str, clock: list[float]) -> TaskLease:
    return TaskLease(store.engine, "recovery", holder, LENGTH, clock=lambda: clock[0])


def pass_time(store: Store, clock: list[float], duration: timedelta) -> None:
    clock[0] += duration.total_seconds()
    moved = "UPDATE maintenance_leases SET expires_at = expires_at - :duration"
    Database(store.engine).execute(moved, duration=duration)


def test_one_of_several_holds_it_and_the_next_when_it_has_run_out(store: Store, clock: list[float]) -> None:
    one, other = lease(store, "one", clock), lease(store, "other", clock)

    assert (one.hold(), other.hold()) == (True, False)
    for _ in range(5):
        pass_time(store, clock, 0.6 * LENGTH)
        assert (one.hold(), other.hold()) == (True, False), "it is renewed"
    pass_time(store, clock, 1.1 * LENGTH)
    assert other.hold()
    assert not one.hold(), "it did not renew it in time"


def test_who_ends_leaves_it_to_the_next(store: Store, clock: list[float]) -> None:
    one, other = lease(store, "one", clock), lease(store, "other", clock)
    assert one.hold()

    one.release()

    assert other.hold()
    assert not one.hold()


def test_the_lowest_rank_holds_it_if_it_is_there(store: Store, clock: list[float]) -> None:
    worker, api = lease(store, "worker", clock), lease(store, "api", clock)
    assert api.hold(rank=1)
    assert worker.hold(), "it takes it from a higher rank"
    pass_time(store, clock, 0.6 * LENGTH)
    assert not api.hold(rank=1)

    pass_time(store, clock, 1.3 * LENGTH)
    assert not api.hold(rank=1), "another of the lower rank comes first"
    pass_time(store, clock, LENGTH)
    assert api.hold(rank=1)


def test_the_database_is_asked_only_where_the_answer_may_have_changed(
    store: Store, clock: list[float]
) -> None:
    one = lease(store, "one", clock)
    assert one.hold()
    Database(store.engine).execute("UPDATE maintenance_leases SET holder = 'other'")

    assert one.hold(), "for half its length"
    clock[0] += 0.6 * LENGTH.total_seconds()
    assert not one.hold()


def test_a_database_that_is_away_is_a_lease_that_is_not_held(store: Store) -> None:
    engine = create_engine("postgresql://nobody@127.0.0.1:9/nothing", application="tests")
    away = TaskLease(engine, "recovery", "one", LENGTH)

    with pytest.raises(StoreUnavailable):
        away.hold()


# --- processes


def holder(store: Store) -> str:
    (row,) = Database(store.engine).rows("SELECT holder FROM maintenance_leases WHERE task = 'recovery'")
    return str(row["holder"])


def lost(store: Store) -> UUID:
    """A report whose worker is gone."""
    report = store.ledger.accept(NewReport(new_report_id(), "slow", {}, None))
    store.claim(report.id)
    expired = "UPDATE reports SET lease_expires_at = lease_expires_at - :time WHERE id = :id"
    Database(store.engine).execute(expired, time=HOUR, id=report.id)
    return report.id


def recovered(store: Store, report_id: UUID) -> bool:
    report = store.ledger.get(report_id)
    return report is not None and report.losses == 1


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "paused"])
def test_another_process_goes_on_after_the_holder(harm: signal.Signals, store: Store, store_url: str) -> None:
    with ExitStack() as ending:
        running = {
            name: ending.enter_context(maintaining(store_url, name)) for name in ("one", "other", "third")
        }
        first = lost(store)
        eventually(lambda: recovered(store, first), "the first report's recovery")
        before = holder(store)

        running[before].send_signal(harm)
        second = lost(store)

        eventually(lambda: recovered(store, second), "the second report's recovery", seconds=15)
        after = holder(store)
        assert after in set(running) - {before}

        if harm is signal.SIGSTOP:
            running[before].send_signal(signal.SIGCONT)
            third = lost(store)
            eventually(lambda: recovered(store, third), "the third report's recovery")
            assert holder(store) == after, "what was paused lets the other go on"


def test_one_that_ends_leaves_it_at_once(store: Store, store_url: str) -> None:
    with maintaining(store_url, "one") as one, maintaining(store_url, "other"):
        eventually(lambda: recovered(store, lost(store)) or holder(store), "a holder")
        _ended(one)
        report_id = lost(store)

        eventually(lambda: recovered(store, report_id), "its recovery")
        assert holder(store) == "other"


def test_a_process_without_a_grace_comes_first(store: Store, store_url: str) -> None:
    with maintaining(store_url, "api", HOUR):
        eventually(lambda: Database(store.engine).rows("SELECT 1 FROM maintenance_leases"), "a holder")
        with maintaining(store_url, "worker"):
            report_id = lost(store)
            eventually(lambda: recovered(store, report_id), "its recovery")

            assert holder(store) == "worker"


def _ended(process: Popen[str]) -> None:
    assert process.stdin
    process.stdin.close()
    assert process.wait(30) == 0
