"""Few commands are in Kafka at once; the other reports wait in the database, first in, first out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from tests.support import lifecycle as ask
from tests.support.database import Database
from tests.support.kafka import Topics
from tests.support.lifecycle_stack import NAMES, WORKER, LifecycleStack
from tests.support.lifecycle_store import Store
from tests.support.waiting import eventually
from waybill.domain import (
    End,
    Failure,
    Fence,
    LeasePolicy,
    NewReport,
    Report,
    Retry,
    Status,
    lifecycle,
    new_report_id,
)
from waybill.ledger import Committed, IdempotencyKey
from waybill.ledger.batch import write_all
from waybill.ledger.writes import Acceptance, Claim
from waybill.store import StoreUnavailable, WorkerRow, create_engine
from waybill.store.statements.dispatch import count

pytest_plugins = ["tests.support.lifecycle_fixtures"]

LEAST = 4
"""Commands that are sent before any worker is there."""
DONE = End(Status.DONE)
LATER = Retry(Failure("error", "Once more."), timedelta(minutes=5))
LONG = timedelta(minutes=16)
"""After which a command without a claim may be lost."""


class Kafka:
    """The reports whose commands were sent, in their order."""

    def __init__(self, store: Store) -> None:
        self.commands: list[UUID] = []
        store.hand_over = self._note

    def _note(self, left: Committed) -> None:
        self.commands += [
            UUID(message.key) for entry in left.entries for message in entry.messages if message.traced
        ]

    def take(self) -> list[UUID]:
        """Those that have come since the last time."""
        taken, self.commands = self.commands, []
        return taken


@pytest.fixture
def kafka(store: Store) -> Kafka:
    return Kafka(store)


def accepted(store: Store, number: int = 1) -> list[UUID]:
    return [store.ledger.accept(requested()).id for _ in range(number)]


def requested() -> NewReport:
    return NewReport(new_report_id(), "dowork", {}, None)


def claimed(store: Store, report_id: UUID) -> Fence:
    report = store.claim(report_id)
    assert report is not None
    return Fence(report_id, report.attempt, "the test")


def requeued(store: Store) -> list[UUID]:
    store.forget_messages()
    return [one.id for one in store.recovery.requeue_due()]


# --- requests


@pytest.mark.parametrize(("slots", "partitions", "commands"), [(0, 0, LEAST), (3, 2, 8), (1, 0, LEAST)])
def test_a_request_gets_its_command_at_once_while_there_is_room(
    store: Store, kafka: Kafka, slots: int, partitions: int, commands: int
) -> None:
    store.has_worker(slots, partitions)

    report_ids = accepted(store, 12)

    assert kafka.take() == report_ids[:commands]
    assert requeued(store) == []


def test_so_do_those_of_one_transaction(store: Store, kafka: Kafka) -> None:
    (first,) = accepted(store)
    writes = [Acceptance(requested()) for _ in range(7)]

    with store.ledger.changes() as changes:
        results = write_all(changes, writes, LeasePolicy())

    assert [one.id for one in results if isinstance(one, Report)] == [write.new.id for write in writes]
    assert kafka.take() == [first, *(write.new.id for write in writes[: LEAST - 1])]


def test_so_do_those_with_an_idempotency_key(store: Store, kafka: Kafka) -> None:
    report_ids = [store.ledger.accept(requested(), IdempotencyKey(f"{n}", "")).id for n in range(6)]

    assert kafka.take() == report_ids[:LEAST]


def test_of_requests_at_the_same_time_each_process_exceeds_the_room_by_itself_at_most(
    store: Store, kafka: Kafka
) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.ledger.accept(requested(), IdempotencyKey(f"{_}", "")), range(200)))

    assert LEAST <= len(kafka.take()) < LEAST + 4


def test_a_request_does_not_overtake_one_that_waits(store: Store, kafka: Kafka) -> None:
    report_ids = accepted(store, LEAST + 1)
    store.ledger.cancel(report_ids[0])
    (last,) = accepted(store)

    assert kafka.take() == report_ids[:LEAST]
    assert requeued(store) == [report_ids[LEAST]]
    store.ledger.cancel(report_ids[1])
    assert requeued(store) == [last]


def test_a_worker_that_is_gone_does_not_count(store: Store, kafka: Kafka, store_url: str) -> None:
    store.has_worker(50)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET seen_at = seen_at - interval '16 s'"))
    accepted(store, 6)
    assert len(kafka.take()) == LEAST

    row = WorkerRow(store.engine, "another", 1)
    row.write(2)
    row.write(3)
    assert len(requeued(store)) == 1
    row.remove()

    accepted(store, 6)
    assert kafka.commands[1:] == []


def test_a_row_that_cannot_be_written_says_so() -> None:
    engine = create_engine("postgresql://127.0.0.1:1/waybill", application="tests", pool_size=1)

    with pytest.raises(StoreUnavailable):
        WorkerRow(engine, "a worker", 1).write(0)


# --- claims


def test_each_claim_makes_room_for_the_one_that_has_waited_longest(store: Store, kafka: Kafka) -> None:
    report_ids = accepted(store, 40)

    for report_id in list(kafka.commands):
        claimed(store, report_id)
    for report_id in report_ids[LEAST:]:
        assert len(kafka.commands) == min(40, report_ids.index(report_id) + LEAST)
        claimed(store, report_id)

    assert kafka.take() == report_ids, "each one, once, and in order"


def test_claims_of_one_transaction_make_room_for_as_many(store: Store, kafka: Kafka) -> None:
    report_ids = accepted(store, 12)
    claims: list[Claim] = [Claim(report_id, "the test", None, None, False) for report_id in kafka.take()]

    with store.ledger.changes() as changes:
        write_all(changes, [*claims, claims[0]], LeasePolicy())

    assert kafka.take() == report_ids[LEAST : 2 * LEAST]


def test_claims_of_several_processes_send_each_command_once(store: Store, kafka: Kafka) -> None:
    store.has_worker(slots=8)
    report_ids = accepted(store, 120)
    todo = iter(report_ids)

    def work(_: int) -> None:
        for report_id in todo:
            claimed(store, report_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    requeued(store)

    assert sorted(kafka.take()) == sorted(report_ids)


def test_what_gets_its_command_out_of_turn_is_made_up_for(store: Store, kafka: Kafka) -> None:
    """A report that a message has requested; a released one, which has its command at once."""
    report_ids = accepted(store, 12)
    first = claimed(store, report_ids[0])
    external = store.ledger.accept_external(
        NewReport(new_report_id(), "dowork", {}, None, source="report/0/1")
    )
    claimed(store, external.id)
    store.ledger.release(first)

    assert kafka.take() == [*report_ids[: LEAST + 1], report_ids[0]]
    claimed(store, report_ids[1])
    assert kafka.take() == [], "one more than there is room for had one"
    claimed(store, report_ids[2])
    assert kafka.take() == [report_ids[LEAST + 1]]


# --- recovery


def test_a_worker_that_starts_on_a_backlog_gets_it(store: Store, kafka: Kafka) -> None:
    report_ids = accepted(store, 40)
    kafka.take()

    store.has_worker(slots=10, partitions=3)

    assert requeued(store) == report_ids[LEAST:23]
    assert requeued(store) == []
    assert kafka.take() == report_ids[LEAST:23]


def test_a_long_backlog_gets_no_second_commands_while_all_slots_are_busy(store: Store, kafka: Kafka) -> None:
    store.has_worker(slots=2, partitions=1)
    report_ids = accepted(store, 20)
    running = [claimed(store, report_id) for report_id in report_ids[:2]]
    for _ in range(5):
        assert requeued(store) == []
        store.pass_time(LONG)
        with store.engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE reports SET lease_expires_at = now() + interval '30 s'"
                    " WHERE status = 'processing'"
                )
            )
    assert kafka.take() == report_ids[:7]

    store.ledger.finish(running[0], DONE)

    assert requeued(store) == report_ids[2:7], "a slot is free, and none of them was claimed"


def test_commands_that_nobody_claims_do_not_keep_others_from_a_free_slot(store: Store, kafka: Kafka) -> None:
    """As when Kafka has lost them, or a partition is away."""
    store.has_worker(slots=1, partitions=2)
    report_ids = accepted(store, 12)
    assert requeued(store) == []
    store.pass_time(timedelta(seconds=31))

    assert requeued(store) == report_ids[4:8]
    claimed(store, report_ids[4])
    store.pass_time(timedelta(seconds=29))
    assert requeued(store) == [], "the slot is busy"
    assert kafka.take() == report_ids[:8]


def test_one_that_runs_alone_gets_its_command_though_all_slots_are_busy(store: Store, kafka: Kafka) -> None:
    store.has_worker(slots=1, partitions=1)
    running, lonely = accepted(store, 2)
    with store.engine.begin() as connection:
        losses = lifecycle.MAX_SHARED_LOSSES
        connection.execute(text("UPDATE reports SET losses = :n WHERE id = :id"), {"n": losses, "id": lonely})
    kafka.take()
    claimed(store, running)
    store.ledger.postpone(lonely, timedelta(seconds=-1))

    assert requeued(store) == [lonely]
    assert kafka.take() == [lonely]


def test_retries_wait_for_room_like_others(store: Store, kafka: Kafka) -> None:
    report_ids = accepted(store, 12)
    for report_id in report_ids[:2]:
        store.ledger.retry(claimed(store, report_id), LATER)
    kafka.take()
    assert requeued(store) == []
    assert store.claim(report_ids[0]) is None

    store.pass_time(timedelta(minutes=6))
    assert requeued(store) == [], "the others have all the room"
    claimed(store, report_ids[2])
    claimed(store, report_ids[3])

    assert kafka.take() == report_ids[:2], "as they were requested first"


def test_retries_that_wait_take_no_room(store: Store, kafka: Kafka) -> None:
    for report_id in accepted(store, LEAST):
        store.ledger.retry(claimed(store, report_id), LATER)
    kafka.take()

    report_ids = accepted(store, LEAST)

    assert kafka.take() == report_ids


def test_a_redrive_waits_for_room_at_the_place_of_its_request(store: Store, kafka: Kafka) -> None:
    report_ids = accepted(store, 12)
    store.ledger.cancel(report_ids[0])
    assert requeued(store) == [report_ids[LEAST]]
    kafka.take()

    store.dead_letters.redrive(report_ids[0])
    assert kafka.take() == []
    claimed(store, report_ids[1])

    assert kafka.take() == [report_ids[0]]


def test_a_redrive_that_has_room_gets_its_command_at_once(store: Store, kafka: Kafka) -> None:
    (report_id,) = accepted(store)
    store.ledger.cancel(report_id)
    kafka.take()

    store.dead_letters.redrive(report_id)

    assert kafka.take() == [report_id]


def test_what_waits_is_counted_without_retries_that_are_not_due(store: Store) -> None:
    report_ids = accepted(store, 12)
    store.ledger.retry(claimed(store, report_ids[0]), LATER)
    claimed(store, report_ids[1])

    assert store.recovery.waiting() == 10
    with store.engine.connect() as connection:
        assert count(connection) == 10


# --- beside the version before

REQUEUE_AS_BEFORE = """
UPDATE reports SET enqueue_at = clock_timestamp() + interval '15 minutes'
WHERE status = 'init' AND enqueue_at <= clock_timestamp()
"""
"""By each of its processes, each second; with a command for each in its outbox."""


def test_what_a_process_of_the_version_before_has_sent_is_not_sent_again(store: Store, kafka: Kafka) -> None:
    report_ids = accepted(store, 12)
    with store.engine.begin() as connection:
        assert connection.execute(text(REQUEUE_AS_BEFORE)).rowcount == 12 - LEAST

    accepted(store)
    for report_id in report_ids[:6]:
        claimed(store, report_id)
    assert requeued(store) == []

    assert kafka.take() == report_ids[:LEAST]


# --- with services


def test_a_burst_waits_in_the_database_and_runs_in_order(
    lifecycle: LifecycleStack,
    lifecycle_store: Store,
    lifecycle_database: Database,
    api: httpx.Client,
    topics: Topics,
) -> None:
    def commands() -> list[str]:
        """Of the burst."""
        return [key for one in topics.records(NAMES.report) if (key := (one.key or b"").decode()) in burst]

    def rows(columns: str) -> list[dict[str, Any]]:
        return lifecycle_database.rows(
            f"SELECT {columns} FROM reports WHERE id = ANY(:ids) ORDER BY started_at",  # noqa: S608 - ours
            ids=list(map(UUID, burst)),
        )

    (workers,) = lifecycle_database.rows(
        "SELECT 2 * sum(slots) + sum(partitions) AS bound, sum(partitions) AS partitions FROM workers"
    )
    with lifecycle.killed(WORKER):
        burst = [ask.request(api, "slow", steps=1, seconds=0) for _ in range(150)]
        eventually(lambda: lifecycle_database.rows("SELECT 1 FROM publications") == [], "everything is sent")
        assert 0 < len(commands()) <= workers["bound"]

    eventually(lambda: all(row["status"] == "done" for row in rows("status")), "the end of all", 120)
    assert sorted(commands()) == sorted(burst), "one each"
    assert {row["attempt"] for row in rows("attempt")} == {1}
    started = [str(row["id"]) for row in rows("id")]
    displaced = max(abs(started.index(one) - burst.index(one)) for one in burst)
    assert displaced <= workers["bound"] * workers["partitions"], "the last of one partition"
    assert lifecycle_store.recovery.waiting() == 0
