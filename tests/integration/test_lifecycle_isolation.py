"""A report that kills its worker: after the second time it costs no other report an attempt."""

from contextlib import suppress
from threading import Event, Thread
from uuid import UUID

import httpx

from tests.support import lifecycle as ask
from tests.support.database import Database
from tests.support.lifecycle_stack import WORKER, LifecycleStack
from tests.support.lifecycle_store import Store
from waybill.domain import LeasePolicy, NewReport, new_report_id
from waybill.domain.lifecycle import MAX_SHARED_LOSSES

pytest_plugins = ["tests.support.lifecycle_fixtures"]

SLOTS = 3


class Load:
    """More reports than the slots can run, one after the other, for as long as the block runs."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        self._stopping = Event()
        self._thread = Thread(target=self._run)
        self.reports: list[str] = []

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.4) and len(self.reports) < 200:
            with suppress(httpx.TransportError):
                self.reports.append(ask.request(self._api, "slow", steps=2, seconds=1))


def test_a_report_that_kills_its_worker_is_tried_alone(
    api: httpx.Client, lifecycle: LifecycleStack, lifecycle_database: Database
) -> None:
    with lifecycle.dying(WORKER):
        killer = ask.request(api, "killer", times=MAX_SHARED_LOSSES + 1)
    for _ in range(MAX_SHARED_LOSSES - 1):
        with lifecycle.dying(WORKER):
            pass

    with Load(api) as load:
        with lifecycle.dying(WORKER):
            third = MAX_SHARED_LOSSES + 1
            ask.until(api, killer, "an attempt on a busy worker", lambda now: now["attempt"] == third, 120)
            others = lifecycle_database.row(
                "SELECT count(*) AS running FROM reports WHERE status = 'processing' AND id <> :id", id=killer
            )
            assert others is not None
            assert others["running"] == 0, "it runs alone"
        ended = ask.until(api, killer, "its end", lambda now: now["status"] in ask.ENDED, 120)

    assert (ended["status"], ended["attempt"]) == ("done", third + 1)
    assert len(load.reports) > SLOTS
    assert {ask.ended(api, report)["attempt"] for report in load.reports} == {1}, "it cost nobody an attempt"


def test_the_database_too_lets_nobody_claim_it_beside_others(store: Store) -> None:
    report_id = lost(store, MAX_SHARED_LOSSES)

    assert store.ledger.claim(report_id, "a busy worker", alone=False) is None
    assert store.ledger.claim(report_id, "an idle worker", alone=True) is not None


def test_a_report_that_lost_one_worker_runs_beside_others(store: Store) -> None:
    assert store.ledger.claim(lost(store, MAX_SHARED_LOSSES - 1), "a busy worker", alone=False) is not None


def test_a_postponed_report_gets_its_next_command_later(store: Store) -> None:
    report_id = lost(store, MAX_SHARED_LOSSES)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM outbox")

    store.ledger.postpone(report_id, LEASE.time_to_live)

    assert store.recovery.requeue_due() == []
    store.pass_time(LEASE.time_to_live)
    assert [report.id for report in store.recovery.requeue_due()] == [report_id]


LEASE = LeasePolicy()


def lost(store: Store, times: int) -> UUID:
    """A report with which so many workers were lost."""
    new = NewReport(new_report_id(), "slow", {"steps": 1, "seconds": 0}, None)
    store.ledger.accept(new)
    for _ in range(times):
        claimed = store.ledger.claim(new.id, "a worker")
        assert claimed is not None
        store.pass_time(2 * LEASE.time_to_live)
        assert len(store.recovery.recover_lost(LEASE.heartbeat)) == 1
    return new.id
