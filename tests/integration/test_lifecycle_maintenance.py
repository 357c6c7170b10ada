"""What keeps reports moving and the tables small: lost commands, refused commands, retention."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event
from uuid import UUID, uuid4

import httpx
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.support import lifecycle as ask
from tests.support.database import Database
from tests.support.kafka import Record, Topics
from tests.support.lifecycle_stack import ENQUEUE_AGAIN, NAMES, LifecycleStack
from tests.support.lifecycle_store import Policies, Store, engine_of
from tests.support.problems import problem
from tests.support.relays import StartedRelay
from tests.support.waiting import eventually
from waybill.artefacts import ArtefactStore, ArtefactStoreUnavailable
from waybill.domain import End, Fence, LeasePolicy, NewReport, Report, Status, new_report_id
from waybill.kafka import KafkaConfig, producer
from waybill.kinds import Artefact
from waybill.maintenance import Maintenance, MaintenancePolicy
from waybill.outbox.publisher import Publisher
from waybill.topics import Topics as Names

pytest_plugins = ["tests.support.lifecycle_fixtures"]

DAY = timedelta(days=1)


def accepted(store: Store, kind: str = "slow") -> Report:
    return store.ledger.accept(NewReport(new_report_id(), kind, {"steps": 1, "seconds": 0}, None))


# --- commands that Kafka has lost


def test_a_report_whose_command_is_lost_gets_another(
    api: httpx.Client, lifecycle_store: Store, lifecycle_database: Database
) -> None:
    report = accepted(lifecycle_store)
    lifecycle_database.execute("DELETE FROM publications WHERE report_id = :id", id=report.id)
    (row,) = lifecycle_database.rows(
        "SELECT enqueue_at, created_at FROM reports WHERE id = :id", id=report.id
    )
    assert abs(row["enqueue_at"] - row["created_at"] - ENQUEUE_AGAIN) < timedelta(seconds=1)
    assert ask.show(api, report.id)["status"] == "init"

    lifecycle_database.execute(
        "UPDATE reports SET enqueue_at = enqueue_at - :wait WHERE id = :id", wait=ENQUEUE_AGAIN, id=report.id
    )

    assert ask.ended(api, report.id)["status"] == "done"


def test_a_command_that_waits_in_the_outbox_is_not_doubled(store: Store) -> None:
    report = accepted(store)
    store.pass_time(DAY)

    assert store.recovery.requeue_due() == []
    store.forget_messages()
    assert [one.id for one in store.recovery.requeue_due()] == [report.id]
    store.forget_messages()
    assert store.recovery.requeue_due() == [], "not before it is due again"


def test_several_processes_enqueue_each_report_once(store: Store, store_url: str) -> None:
    store.has_worker(slots=250)
    report_ids = [accepted(store).id for _ in range(250)]
    store.pass_time(DAY)
    store.forget_messages()

    def everything(_: int) -> list[UUID]:
        taken: list[UUID] = []
        with engine_of(store_url) as engine:
            recovery = Store(engine, store.artefacts, Policies()).recovery
            while due := recovery.requeue_due():
                taken += [report.id for report in due]
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [report_id for share in pool.map(everything, range(4)) for report_id in share]

    assert sorted(taken) == sorted(report_ids)


# --- commands that Kafka refuses


@pytest.fixture
def narrow(topics: Topics) -> Names:
    """Topics of which that for commands takes no command."""
    name = uuid4().hex[:8]
    names = Names(f"narrow-{name}", f"narrow-{name}-status", f"narrow-{name}-dead-letter")
    admin = AdminClient({"bootstrap.servers": topics.bootstrap})
    wanted = [
        NewTopic(names.report, 1, 1, config={"max.message.bytes": "120"}),
        NewTopic(names.report_status, 1, 1),
    ]
    for future in admin.create_topics(wanted).values():
        future.result(30)
    for name in (names.report, names.report_status):
        ask.readable(topics, name)
    return names


@pytest.fixture
def relayed(store: Store, topics: Topics) -> Iterator[Callable[[Names], tuple[Store, StartedRelay]]]:
    """A store and its relay, in the test's process."""
    relays: list[StartedRelay] = []

    def start(names: Names) -> tuple[Store, StartedRelay]:
        config = KafkaConfig(topics.bootstrap, "tests")
        opened = Store(store.engine, store.artefacts, Policies(topics=names))
        relay = StartedRelay(store.engine, names, lambda: Publisher(producer(config), "tests"))
        opened.hand_over = relay.hand_over
        relays.append(relay)
        return opened, relay

    yield start
    for relay in relays:
        assert relay.stop(timedelta(seconds=30))


def test_a_command_that_the_broker_refuses_fails_its_report(
    narrow: Names, relayed: Callable[[Names], tuple[Store, StartedRelay]], topics: Topics
) -> None:
    store, _ = relayed(narrow)
    report_id = accepted(store).id

    def failed() -> Report | None:
        report = store.ledger.get(report_id)
        return report if report and report.status is Status.FAIL else None

    report = eventually(failed, "the report's failure")
    assert report.failure is not None
    assert report.failure.type == "refused_by_broker"
    assert "too large" in report.failure.message.lower()
    eventually(lambda: store.recovery.backlog().messages == 0, "an empty outbox")

    def last() -> Record | None:
        told = topics.records_of(narrow.report_status, report_id)
        return told[-1] if told and told[-1].json["version"] == report.version else None

    assert eventually(last, "the end on the topic").json["status"] == "fail"
    assert topics.records(narrow.report) == []
    assert store.dead_letters.redrive(report_id).status is Status.INIT, (
        "once the broker takes it, it can begin anew"
    )


# --- retention


def test_old_reports_leave_nothing_but_a_tombstone(
    api: httpx.Client,
    lifecycle_store: Store,
    lifecycle_database: Database,
    lifecycle: LifecycleStack,
    topics: Topics,
) -> None:
    key = f"key-{uuid4()}"
    report = ask.ended(api, ask.post(api, "slow", key=key, steps=1, seconds=0).json()["id"])
    young = ask.run(api, "slow", steps=1, seconds=0)
    (file,) = lifecycle.artefacts.glob(f"default/reports/{report['id']}/*/*")
    stray = file.parent.parent / "0" / "lost.txt"
    stray.parent.mkdir()
    stray.write_text("of an attempt that was lost\n")

    aged = "UPDATE reports SET finished_at = finished_at - :age WHERE id = :id"
    lifecycle_database.execute(aged, age=29 * DAY, id=report["id"])
    lifecycle_store.retention.remove_reports(lifecycle_store.artefacts)
    assert ask.show(api, report["id"])["status"] == "done", "not yet"

    lifecycle_database.execute(aged, age=2 * DAY, id=report["id"])
    lifecycle_store.retention.remove_reports(lifecycle_store.artefacts)

    problem(api.get(f"{ask.REPORTS}/{report['id']}"), 404, "no-such-report")
    problem(api.get(f"{ask.REPORTS}/{report['id']}/events"), 404, "no-such-report")
    problem(api.get(report["artefact"]["href"]), 404, "no-such-report")
    for table, column in (
        ("report_events", "report_id"),
        ("idempotency_keys", "report_id"),
        ("reports", "id"),
    ):
        statement = f"SELECT 1 FROM {table} WHERE {column} = :id"  # noqa: S608 - ours
        assert lifecycle_database.rows(statement, id=report["id"]) == []
    assert not (lifecycle.artefacts / "reports" / report["id"]).exists()
    assert ask.show(api, young["id"]) == young

    def tombstone() -> bool:
        records = topics.records_of(NAMES.report_status, report["id"])
        return bool(records) and records[-1].value is None

    eventually(tombstone, "the tombstone")


def test_retention_goes_in_small_batches(store: Store) -> None:
    for _ in range(230):
        store.ledger.cancel(accepted(store).id)
    store.pass_time(31 * DAY)

    batches = []
    while removed := store.retention.remove_reports(store.artefacts).removed:
        batches.append(removed)

    assert batches == [100, 100, 30]


def test_files_that_cannot_be_removed_keep_no_other_report(store: Store) -> None:
    class Locked(ArtefactStore):
        def remove_all(self, tenant: str, report_id: UUID, last_attempt: int) -> None:  # noqa: ARG002
            if report_id in locked:
                raise ArtefactStoreUnavailable("It is under legal hold.")

    ended = [accepted(store).id for _ in range(5)]
    for report_id in ended:
        store.ledger.cancel(report_id)
    locked = {ended[0], ended[2]}
    store.pass_time(31 * DAY)
    maintenance = Maintenance(
        store.recovery,
        store.retention,
        Locked("memory:///"),
        LeasePolicy(),
        MaintenancePolicy(),
        store.lease_of_task,
    )

    for _ in locked:
        with pytest.raises(ArtefactStoreUnavailable):
            maintenance.remove_old()
    maintenance.remove_old()

    assert {report_id for report_id in ended if store.ledger.get(report_id)} == locked
    with pytest.raises(ArtefactStoreUnavailable):
        maintenance.remove_old()


def test_the_file_of_a_report_that_was_redriven_meanwhile_stays(store: Store, tmp_path: Path) -> None:
    class Redriving(ArtefactStore):
        def remove_all(self, tenant: str, report_id: UUID, last_attempt: int) -> None:
            store.dead_letters.redrive(report_id)
            again = store.claim(report_id, "the test")
            assert again is not None
            file = tmp_path / "report.txt"
            file.write_text("of the new attempt\n")
            with file.open("rb") as opened:
                artefact = Artefact(file, "text/plain", file.name)
                stored = self.put(tenant, report_id, again.attempt, artefact, opened)
            store.ledger.finish(Fence(report_id, again.attempt, "the test"), End(Status.DONE), [stored])
            super().remove_all(tenant, report_id, last_attempt)

    report_id = accepted(store).id
    store.ledger.cancel(report_id)
    store.pass_time(31 * DAY)
    artefacts = Redriving("memory:///")

    assert store.retention.remove_reports(artefacts).removed == 0

    report = store.ledger.get(report_id)
    assert report is not None
    assert report.artefact is not None
    assert b"".join(artefacts.open(report.artefact)) == b"of the new attempt\n"


def test_a_store_that_hangs_holds_up_no_lost_report(store: Store) -> None:
    """Removing what is old may take long, or be cut off; the row then still has to be there."""

    class Hanging(ArtefactStore):
        asked, go_on = Event(), Event()

        def remove_all(self, tenant: str, report_id: UUID, last_attempt: int) -> None:  # noqa: ARG002
            self.asked.set()
            self.go_on.wait()

    old, lost = accepted(store), accepted(store)
    store.ledger.cancel(old.id)
    store.pass_time(31 * DAY)
    store.claim(lost.id, "the test")
    store.pass_time(DAY)
    artefacts, often = Hanging("memory:///"), timedelta(seconds=0.05)
    policy = MaintenancePolicy(often, often)
    maintenance = Maintenance(
        store.recovery,
        store.retention,
        artefacts,
        LeasePolicy(timedelta(seconds=1), often),
        policy,
        store.lease_of_task,
    )

    maintenance.start()
    try:
        assert artefacts.asked.wait(30)
        eventually(lambda: getattr(store.ledger.get(lost.id), "losses", 0) == 1, "the lost report")
        assert store.ledger.get(old.id) is not None
        artefacts.go_on.set()
        eventually(lambda: store.ledger.get(old.id) is None, "the old report is gone")
    finally:
        artefacts.go_on.set()
        maintenance.stop()


def test_old_dead_letters_are_forgotten(
    api: httpx.Client, lifecycle_store: Store, lifecycle_database: Database
) -> None:
    report = ask.run(api, "flaky", failures=3)
    (letter,) = ask.letters_of(api, report["id"])
    aged = "UPDATE dead_letters SET created_at = created_at - :age WHERE id = :id"
    lifecycle_database.execute(aged, age=31 * DAY, id=letter["id"])

    lifecycle_store.retention.remove_expired()

    assert ask.letters_of(api, report["id"], redriven=True) == []
    assert ask.show(api, report["id"])["status"] == "fail"


def test_what_still_runs_is_never_old(store: Store) -> None:
    """Its age counts from its end."""
    waiting, running = accepted(store), accepted(store)
    store.claim(running.id, "the test")
    store.pass_time(400 * DAY)

    assert store.retention.remove_reports(store.artefacts).removed == 0

    assert store.ledger.get(waiting.id) is not None
    assert store.ledger.get(running.id) is not None
