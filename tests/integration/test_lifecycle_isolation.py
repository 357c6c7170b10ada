"""A report that kills its worker: after the second time it costs no other report an attempt."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from uuid import UUID

import httpx
import pytest
from confluent_kafka import Message
from sqlalchemy import Engine, text

from local.stack import Stack
from report_worker.intake import Intake, NeedsIdleWorker
from tests.support import lifecycle as ask
from tests.support.database import Database
from tests.support.lifecycle_stack import WORKER, LifecycleStack
from tests.support.lifecycle_store import Policies, Store, engine_of, own_database
from waybill.artefacts import ArtefactStore
from waybill.domain import LeasePolicy, NewReport, new_report_id
from waybill.domain.lifecycle import MAX_SHARED_LOSSES
from waybill.kafka import KafkaConfig
from waybill.messages import Command
from waybill.store.migrate import migrate

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


def test_a_report_that_kills_what_slots_are_forked_from_is_tried_alone_too(
    api: httpx.Client, lifecycle: LifecycleStack
) -> None:
    """As often as three attempts that fail are the end of a report."""
    worker = lifecycle.pid(WORKER)
    others = [ask.request(api, "slow", steps=3, seconds=1) for _ in range(SLOTS - 1)]
    for report in others:
        ask.running(api, report)

    killer = ask.request(api, "killer", times=3, template=True, after=0.5)
    killed = ask.until(api, killer, "its end", lambda now: now["status"] in ask.ENDED, 120)
    ended = [ask.ended(api, report) for report in others]

    assert (killed["status"], killed["attempt"]) == ("done", 4)
    assert {report["status"] for report in ended} == {"done"}
    assert all(1 < report["attempt"] <= 1 + MAX_SHARED_LOSSES for report in ended)
    assert lifecycle.pid(WORKER) == worker


def test_the_database_too_lets_nobody_claim_it_beside_others(store: Store) -> None:
    report_id = lost(store, MAX_SHARED_LOSSES)

    assert store.claim(report_id, "a busy worker", alone=False) is None
    assert store.claim(report_id, "an idle worker", alone=True) is not None


def test_a_report_that_lost_one_worker_runs_beside_others(store: Store) -> None:
    assert store.claim(lost(store, MAX_SHARED_LOSSES - 1), "a busy worker", alone=False) is not None


def test_a_postponed_report_gets_its_next_command_later(store: Store) -> None:
    report_id = lost(store, MAX_SHARED_LOSSES)
    store.forget_messages()

    store.ledger.postpone(report_id, LEASE.time_to_live)

    assert store.recovery.requeue_due() == []
    store.pass_time(LEASE.time_to_live)
    assert [report.id for report in store.recovery.requeue_due()] == [report_id]


@pytest.mark.parametrize("wrong", [timedelta(days=1), timedelta(days=-1)], ids=["ahead", "behind"])
def test_how_long_it_has_waited_is_by_one_clock(stack: Stack, tmp_path: Path, wrong: timedelta) -> None:
    """That of the database. It is wrong here, since the host's serves other tests."""
    with own_database(stack.endpoints.database_url, "clock") as url:
        with engine_of(url) as engine:
            migrate(engine)
            set_clock(engine, wrong)
        with engine_of(url) as engine:
            store = Store(engine, ArtefactStore((tmp_path / "artefacts").as_uri()), Policies())
            report_id = lost(store, MAX_SHARED_LOSSES)
            store.pass_time(timedelta(hours=1))
            intake = Intake(store.ledger, store.dead_letters, KafkaConfig("127.0.0.1:1", "a worker"), "group")

            needs = intake.begin(command_of(report_id), alone=False)()

    assert isinstance(needs, NeedsIdleWorker)
    assert timedelta(hours=1) <= needs.waited < timedelta(hours=2)


def set_clock(engine: Engine, wrong: timedelta) -> None:
    """For connections of later: what the statements call is found before the function of PostgreSQL."""
    with engine.begin() as connection:
        for statement in (
            "CREATE SCHEMA wrong",
            *(
                f"CREATE FUNCTION wrong.{clock}() RETURNS timestamptz LANGUAGE sql {sort} AS "
                f"$$ SELECT pg_catalog.{clock}() + interval '{wrong.total_seconds()} s' $$"
                for clock, sort in (("clock_timestamp", "VOLATILE"), ("statement_timestamp", "STABLE"))
            ),
            f"ALTER DATABASE {connection.scalar(text('SELECT current_database()'))} "
            "SET search_path = wrong, pg_catalog, public",
        ):
            connection.exec_driver_sql(statement)


def command_of(report_id: UUID) -> Message:
    value = Command(report_id=report_id, kind="slow").model_dump_json().encode()
    return Message(topic="report", partition=0, offset=1, key=str(report_id).encode(), value=value)


LEASE = LeasePolicy()


def lost(store: Store, times: int) -> UUID:
    """A report with which so many workers were lost."""
    new = NewReport(new_report_id(), "slow", {"steps": 1, "seconds": 0}, None)
    store.ledger.accept(new)
    for _ in range(times):
        claimed = store.claim(new.id, "a worker")
        assert claimed is not None
        store.pass_time(2 * LEASE.time_to_live)
        assert len(store.recovery.recover_lost(LEASE.heartbeat)) == 1
    return new.id
