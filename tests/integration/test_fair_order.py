"""With many reports of one tenant waiting, another's single one starts after a few."""

from collections import Counter
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.support.busy_workers import ANN, BOB, BOUND, GIL, PARTITIONS, SLOTS, Workers, request
from tests.support.lifecycle_store import Store
from waybill.domain import End, Fence, Owner, Status

_COPY = """
INSERT INTO reports (id, tenant, owner, kind, parameters, enqueue_at, created_at)
SELECT gen_random_uuid(), tenant, owner, kind, parameters, created_at + later, created_at + later
FROM reports, generate_series(1, :number) AS number, LATERAL (SELECT number * interval '1 us') AS by (later)
WHERE id = :last AND enqueue_at = created_at
"""

pytest_plugins = ["tests.support.lifecycle_fixtures"]


@pytest.mark.parametrize("partitions", [1, PARTITIONS])
@pytest.mark.parametrize("seed", range(5))
def test_a_report_of_another_tenant_starts_after_the_commands_that_are_there(
    store: Store, seed: int, partitions: int
) -> None:
    workers = Workers(store, seed, partitions)
    let_ten_thousand_wait(store)
    workers.run(BOUND)

    assert workers.others_before(request(store, GIL)) <= workers.bound


@pytest.mark.parametrize("seed", range(5))
def test_so_does_one_of_another_owner_of_the_tenant(store: Store, seed: int) -> None:
    workers = Workers(store, seed)
    let_ten_thousand_wait(store)
    workers.run(BOUND)

    assert workers.others_before(request(store, BOB)) <= workers.bound


def test_an_owner_of_many_owners_is_as_far_as_its_tenant(store: Store) -> None:
    """Many owners do not give a tenant more turns."""
    workers = Workers(store, 1)
    for number in range(20 * BOUND):
        request(store, Owner("acme", f"owner-{number % 50}"))
    for _ in range(20 * BOUND):
        request(store, GIL)

    workers.run(10 * BOUND)

    started = tenants(store, workers.started[2 * BOUND :])
    assert abs(started["acme"] - started["globex"]) <= BOUND, started


@pytest.mark.parametrize("number", [2, 3, 7])
def test_tenants_that_all_wait_have_the_same(store: Store, number: int) -> None:
    workers = Workers(store, number, partitions=1)
    for one in range(number):
        for _ in range(30 * BOUND // number):
            request(store, Owner(f"tenant-{one}", "ann"))

    workers.run(15 * BOUND)

    started = tenants(store, workers.started[2 * BOUND :])
    assert max(started.values()) - min(started.values()) <= BOUND, started


def test_of_one_owner_the_lowest_priority_is_first_and_then_the_oldest(store: Store) -> None:
    workers = Workers(store, 1, partitions=1)
    for _ in range(workers.bound):
        request(store, ANN)
    waiting = [(priority, request(store, ANN, priority)) for priority in (3, 5, 1, 3, 1, 5, 3)]

    workers.run(3 * BOUND)

    by_priority = sorted(waiting, key=lambda one: one[0])
    assert workers.started[workers.bound :] == [report_id for _, report_id in by_priority]


def test_priority_gives_no_turn_of_another_owner(store: Store) -> None:
    workers = Workers(store, 1)
    for _ in range(20 * BOUND):
        request(store, ANN, priority=1)
    workers.run(BOUND)

    assert workers.others_before(request(store, BOB, priority=5)) <= workers.bound


def test_one_owner_alone_is_first_in_first_out(store: Store) -> None:
    store.has_worker(SLOTS, PARTITIONS)
    sent: list[UUID] = []
    store.hand_over = lambda left: sent.extend(
        UUID(message.key) for entry in left.entries for message in entry.messages if message.traced
    )
    requested = [request(store, ANN) for _ in range(3 * BOUND)]

    for report_id in requested:
        claimed = store.claim(report_id)
        assert claimed is not None
        store.ledger.finish(Fence(report_id, claimed.attempt, "the test"), End(Status.DONE))

    assert sent == requested


def let_ten_thousand_wait(store: Store) -> None:
    """Reports of one owner: some that were requested, and copies of the last of them, which waits."""
    for _ in range(3 * BOUND):
        last = request(store, ANN)
    with store.engine.begin() as connection:
        found = connection.execute(text(_COPY), {"number": 10_000 - 3 * BOUND, "last": last})
        assert found.rowcount == 10_000 - 3 * BOUND


def tenants(store: Store, report_ids: list[UUID]) -> Counter[str]:
    statement = text("SELECT tenant FROM reports WHERE id = ANY (:ids)")
    with store.engine.connect() as connection:
        return Counter(connection.execute(statement, {"ids": report_ids}).scalars())
