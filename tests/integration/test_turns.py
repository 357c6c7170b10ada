"""Weights and limits of what may run: who starts next, and how many run at once."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.support.busy_workers import ANN, BOB, GIL, Workers, request
from tests.support.lifecycle_store import Store
from waybill.domain import Actor, End, Failure, Fence, NewReport, Owner, Retry, Status, new_report_id
from waybill.ledger import Committed

pytest_plugins = ["tests.support.lifecycle_fixtures"]

SLOTS = 6
ROOT = Actor(Owner(), "the test")
DONE = End(Status.DONE)
UNDER_WAY = """
SELECT {column}, count(*) FROM reports
WHERE status = 'processing' OR (status = 'init' AND enqueue_at > created_at AND not_before IS NULL)
GROUP BY {column}
"""
"""Those that run, and those that have a command."""


def under_way(store: Store, column: str) -> Counter[str]:
    with store.engine.connect() as connection:
        found = connection.execute(text(UNDER_WAY.format(column=column))).all()
    return Counter({str(row[0]): int(row[1]) for row in found})


def column_of(store: Store, column: str, report_ids: list[UUID]) -> Counter[str]:
    statement = text(f"SELECT {column} FROM reports WHERE id = ANY (:ids)")  # noqa: S608 - ours
    with store.engine.connect() as connection:
        return Counter(connection.execute(statement, {"ids": report_ids}).scalars())


def workers(store: Store, seed: int = 1, partitions: int = 1) -> Workers:
    return Workers(store, seed, partitions, SLOTS)


# --- weights


@pytest.mark.parametrize("seed", range(4))
def test_a_tenant_of_twice_the_weight_runs_twice_as_many(store: Store, seed: int) -> None:
    store.limit("tenant", "acme", weight=2)
    busy = workers(store, seed)
    for _ in range(100):
        request(store, ANN)
        request(store, GIL)

    busy.run(90)

    started = column_of(store, "tenant", busy.started[2 * busy.bound :])
    assert abs(started["acme"] - 2 * started["globex"]) <= 2 * busy.bound, started
    assert started["acme"] > 1.5 * started["globex"], started


@pytest.mark.parametrize("seed", range(2))
def test_so_does_an_owner_of_a_tenant(store: Store, seed: int) -> None:
    store.limit("owner", "acme", "bob", weight=3)
    busy = workers(store, seed)
    for _ in range(100):
        request(store, ANN)
        request(store, BOB)

    busy.run(90)

    started = column_of(store, "owner", busy.started[2 * busy.bound :])
    assert started["bob"] > 2 * started["ann"], started


@pytest.mark.parametrize("seed", range(3))
def test_with_weights_another_tenants_report_still_starts_after_the_commands_that_are_there(
    store: Store, seed: int
) -> None:
    store.limit("tenant", "acme", weight=100)
    busy = workers(store, seed)
    for _ in range(200):
        request(store, ANN)
    busy.run(busy.bound)

    assert busy.others_before(request(store, Owner("initech", "ida"))) <= busy.bound


# --- how many run at once


@pytest.mark.parametrize(
    ("limit", "column", "name"),
    [
        (("tenant", "acme", ""), "tenant", "acme"),
        (("tenant", "", ""), "tenant", "acme"),
        (("owner", "acme", "ann"), "owner", "ann"),
        (("owner", "acme", ""), "owner", "ann"),
        (("owner", "", ""), "owner", "ann"),
    ],
)
def test_a_limit_holds_and_leaves_the_other_slots_to_others(
    store: Store, limit: tuple[str, str, str], column: str, name: str
) -> None:
    store.limit(*limit, max_running=2)
    busy = workers(store)
    for _ in range(30):
        request(store, ANN)
    others = [Owner(f"other-{number}", f"owner-{number}") for number in range(10)]
    for number in range(60):
        request(store, others[number % 10])

    for _ in range(40):
        busy.fill()
        assert under_way(store, column)[name] <= 2
        assert len(busy.running) == SLOTS
        busy.end_one()

    assert column_of(store, column, busy.started)[name] >= 2


def test_an_end_lets_the_next_one_go_at_once(store: Store) -> None:
    store.limit("tenant", "acme", max_running=1)
    busy = workers(store)
    reports = [request(store, ANN) for _ in range(5)]

    for place, report_id in enumerate(reports, 1):
        busy.fill()
        assert busy.started == reports[:place]
        assert [fence.report_id for fence in busy.running] == [report_id]
        busy.end_one()


def test_so_does_the_end_of_one_of_a_limited_kind(store: Store) -> None:
    store.kind_limits.limit(ROOT, "slow", 1)
    busy = workers(store)
    reports = [request(store, ANN, kind="slow") for _ in range(5)]

    for place in range(1, 6):
        busy.fill()
        assert busy.started == reports[:place]
        busy.end_one()


def test_the_limit_of_a_kind_holds_for_all_tenants_and_leaves_the_slots_to_other_kinds(store: Store) -> None:
    store.kind_limits.limit(ROOT, "slow", 2)
    busy = workers(store)
    for owner in (ANN, BOB, GIL):
        for _ in range(15):
            request(store, owner, kind="slow")
    for _ in range(40):
        request(store, ANN)

    for _ in range(30):
        busy.fill()
        assert under_way(store, "kind")["slow"] <= 2
        assert len(busy.running) == SLOTS
        busy.end_one()

    started = column_of(store, "tenant", [*busy.started])
    slow = column_of(store, "kind", busy.started)["slow"]
    assert slow >= 3
    assert started["globex"] >= slow // 3, "tenants have their turns within the kind"


def test_a_kind_that_gets_a_limit_keeps_to_it_with_all_that_waits_already(store: Store) -> None:
    busy = workers(store)
    slow = [request(store, ANN, kind="slow") for _ in range(60)]
    busy.fill()
    store.kind_limits.limit(ROOT, "slow", 1)
    others = [request(store, ANN) for _ in range(10)]
    for _ in range(busy.bound + SLOTS):
        busy.end_one()
        busy.fill()
        store.recovery.requeue_due()

    for _ in range(10):
        busy.fill()
        assert under_way(store, "kind")["slow"] <= 1
        busy.end_one()

    assert set(others) <= set(busy.started), "those of the kind are not in their way"
    store.kind_limits.limit(ROOT, "slow", None)
    store.recovery.requeue_due()
    busy.run(200)
    assert sorted(busy.started) == sorted([*slow, *others])


def test_all_limits_hold_at_once(store: Store) -> None:
    store.limit("tenant", max_running=4)
    store.limit("tenant", "acme", weight=3)
    store.limit("owner", "acme", "ann", max_running=2)
    store.kind_limits.limit(ROOT, "slow", 1)
    busy = workers(store)
    for number in range(120):
        request(
            store, (ANN, BOB, GIL)[number % 3], 1 + number % 5, ("dowork", "slow", "quick")[number // 3 % 3]
        )

    for _ in range(300):
        busy.fill()
        if not busy.running:
            break
        assert under_way(store, "tenant").most_common(1)[0][1] <= 4
        assert under_way(store, "owner")["ann"] <= 2
        assert under_way(store, "kind")["slow"] <= 1
        busy.end_one()

    assert len(busy.started) == len(set(busy.started)) == 120, "each of them ran, and once"


def test_zero_lets_none_start_until_the_limit_is_gone(store: Store) -> None:
    store.limit("tenant", "acme", max_running=0)
    busy = workers(store)
    report_id = request(store, ANN)
    other = request(store, GIL)
    busy.run(10)
    assert busy.started == [other]

    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM limits"))
    store.recovery.requeue_due()
    busy.run(10)

    assert busy.started == [other, report_id]


@pytest.mark.parametrize("seed", range(2))
def test_threads_of_several_workers_together_keep_to_all_limits(store: Store, seed: int) -> None:
    """What has a command or runs is counted after each change, whoever made it."""
    store.limit("tenant", "acme", max_running=3)
    store.limit("owner", max_running=2)
    store.kind_limits.limit(ROOT, "slow", 2)
    store.has_worker(slots=8, partitions=2)
    commands: list[UUID] = []
    lock = threading.Lock()

    def note(left: Committed) -> None:
        found = [message for entry in left.entries for message in entry.messages if message.traced]
        with lock:
            commands.extend(UUID(message.key) for message in found)

    store.hand_over = note
    owners = (ANN, BOB, GIL, Owner("globex", "gus"))
    requested = [
        request(store, owners[(number + seed) % 4], kind=("dowork", "slow")[number % 3 == 0])
        for number in range(160)
    ]
    limits = {"tenant": {"acme": 3, "": 99}, "kind": {"slow": 2, "": 99}, "owner": {"": 2}}
    exceeded: list[Counter[str]] = []
    until = time.monotonic() + 90
    ended: list[UUID] = []

    def work(_: int) -> None:
        while len(ended) < len(requested) and time.monotonic() < until:
            with lock:
                report_id = commands.pop(0) if commands else None
            if report_id is None:
                store.recovery.requeue_due()
                continue
            claimed = store.claim(report_id)
            if claimed is None:
                continue
            for column, most in limits.items():
                found = under_way(store, column)
                if any(number > most.get(name, most[""]) for name, number in found.items()):
                    exceeded.append(found)
            store.ledger.finish(Fence(report_id, claimed.attempt, "the test"), DONE)
            ended.append(report_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    assert exceeded == []
    assert sorted(ended) == sorted(requested)


# --- what comes by other ways


def test_a_retry_gives_its_place_to_another_and_takes_it_again(store: Store) -> None:
    store.limit("tenant", "acme", max_running=1)
    busy = workers(store)
    first, second = request(store, ANN), request(store, ANN)
    busy.fill()

    store.ledger.retry(busy.running.pop(), Retry(Failure("error", "Once more."), timedelta(minutes=5)))
    busy.fill()
    store.pass_time(timedelta(minutes=6))
    store.recovery.requeue_due()
    assert busy.started == [first, second]

    busy.fill()
    store.recovery.recover_lost(timedelta(0))
    assert under_way(store, "tenant")["acme"] <= 1


def test_a_lost_worker_keeps_the_place_until_its_report_is_recovered(store: Store) -> None:
    store.limit("tenant", "acme", max_running=1)
    busy = workers(store)
    first, second = request(store, ANN), request(store, ANN)
    busy.fill()
    store.pass_time(timedelta(minutes=1))
    store.has_worker(SLOTS, 2)

    store.recovery.requeue_due()
    assert busy.started == [first]
    assert under_way(store, "tenant")["acme"] == 1
    assert [one.now.id for one in store.recovery.recover_lost(timedelta(0))] == [first]
    store.recovery.requeue_due()
    assert under_way(store, "tenant")["acme"] == 1

    busy.running.clear()
    busy.run(5)
    assert busy.started == [first, first, second]


def test_a_message_from_outside_waits_for_its_turn(store: Store) -> None:
    store.kind_limits.limit(ROOT, "dowork", 1)
    busy = workers(store)
    first = request(store, ANN)
    external = NewReport(new_report_id(), "dowork", {}, None, source="report/0/1")
    store.ledger.accept_external(external)

    assert store.claim(external.id) is None
    busy.run(5)

    assert busy.started == [first, external.id]


def test_an_old_command_starts_no_report_that_waits_for_its_turn(store: Store) -> None:
    store.limit("tenant", "acme", max_running=1)
    busy = workers(store)
    first, second = request(store, ANN), request(store, ANN)

    assert store.claim(second) is None
    busy.run(5)

    assert busy.started == [first, second]


def test_a_redrive_waits_for_its_turn(store: Store) -> None:
    store.limit("tenant", "acme", max_running=1)
    busy = workers(store)
    first, second = request(store, ANN), request(store, ANN)
    store.ledger.cancel(second)
    busy.fill()

    store.dead_letters.redrive(second)
    assert under_way(store, "tenant")["acme"] == 1
    busy.run(5)

    assert busy.started == [first, second]


def test_a_cancelled_report_leaves_its_place_to_another(store: Store) -> None:
    store.limit("tenant", "acme", max_running=1)
    first, second = request(store, ANN), request(store, ANN)

    store.ledger.cancel(first)

    assert [one.id for one in store.recovery.requeue_due()] == [second]


def test_without_any_limit_nothing_is_taken_in_turns(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> bool:
        raise AssertionError("no limit is set")

    monkeypatch.setattr("waybill.store.statements.turns.lock", refuse)
    busy = workers(store)
    reports = [request(store, ANN) for _ in range(30)]
    busy.run(50)
    store.recovery.requeue_due()

    assert sorted(busy.started) == sorted(reports)
