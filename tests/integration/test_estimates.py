"""The estimate of a report's start and end: of what is in the database, and at a bounded cost."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.access import HERS, Access, Person, access
from tests.support.lifecycle_store import Store
from tests.support.rows_read import rows_read_by
from waybill.domain import MAX_AHEAD, Actor, NewReport, Owner, Report, Role, new_report_id
from waybill.store import ReportFilter
from waybill.store.statements import listing

pytest_plugins = ["tests.support.lifecycle_fixtures"]

TEST = Actor(Owner(), "the test")
_DONE = """
INSERT INTO reports (id, kind, parameters, status, created_at, started_at, finished_at, enqueue_at)
SELECT gen_random_uuid(), :kind, '{}', 'done', time, time, time + :took, NULL
FROM generate_series(1, :number) AS number,
    LATERAL (SELECT now() - :ago - number * interval '1 ms') AS request (time)
"""
_WAITING = """
INSERT INTO reports (id, kind, parameters, created_at, enqueue_at)
SELECT gen_random_uuid(), :kind, '{}', time, time
FROM generate_series(1, :number) AS number,
    LATERAL (SELECT now() - number * interval '1 ms') AS request (time)
"""


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path) as opened:
        yield opened


def execute(store: Store, statement: str, **values: Any) -> None:
    with store.engine.begin() as connection:
        connection.execute(text(statement), values)


def have_been_done(store: Store, number: int, kind: str = "dowork", days: float = 1) -> None:
    """Each has lasted for a minute."""
    execute(store, _DONE, number=number, kind=kind, ago=timedelta(days=days), took=timedelta(minutes=1))


def wait(store: Store, number: int, kind: str = "dowork") -> None:
    execute(store, _WAITING, number=number, kind=kind)


def accepted(store: Store) -> Report:
    return store.ledger.accept(NewReport(new_report_id(), "dowork", {}, None))


def position(store: Store, report: Report) -> int | None:
    found = store.estimates.of(report)
    assert found is not None
    return found.position


def test_a_report_that_waits_has_one_and_lists_have_none(api: Access, store: Store) -> None:
    store.has_worker(slots=2, partitions=1)
    have_been_done(store, 60)
    wait(store, 4)
    report = api.requested(api.ann)

    shown = api.client.get(f"/api/v1/reports/{report.id}", headers=api.ann.headers).get_json()

    found = shown["estimate"]
    assert (found["position"], found["position_more"], found["based_on"]) == (5, False, 50)
    times = [datetime.fromisoformat(found[name]) for name in ("start_from", "start_to", "end_from", "end_to")]
    first = times[0]
    assert [(time - first).total_seconds() for time in times] == [0, 60, 60, 120]
    listed = api.client.get("/api/v1/reports", headers=api.ann.headers).get_json()["reports"]
    assert "estimate" not in listed[0]
    store.ledger.cancel(report.id)
    assert (
        api.client.get(f"/api/v1/reports/{report.id}", headers=api.ann.headers).get_json()["estimate"] is None
    )


def test_one_that_runs_ends_by_its_start(store: Store) -> None:
    store.has_worker(slots=2, partitions=1)
    have_been_done(store, 5)
    claimed = store.claim(accepted(store).id)
    assert claimed is not None
    assert claimed.started_at is not None

    found = store.estimates.of(claimed)

    assert found is not None
    assert (found.position, found.end_from) == (None, claimed.started_at + timedelta(minutes=1))


def test_there_is_none_where_nothing_is_known(store: Store) -> None:
    report = accepted(store)
    assert store.estimates.of(report) is None
    have_been_done(store, 4)
    have_been_done(store, 9, days=8)
    have_been_done(store, 9, kind="another")
    store.has_worker(slots=2, partitions=1)
    assert store.estimates.of(report) is None
    have_been_done(store, 1)
    assert store.estimates.of(report)
    store.pass_time(timedelta(seconds=20))  # the worker is gone
    execute(store, "UPDATE workers SET seen_at = now() - interval '20 s'")
    assert store.estimates.of(report) is None


def test_those_ahead_of_a_limited_kind_are_of_that_kind(store: Store) -> None:
    store.has_worker(slots=8, partitions=1)
    have_been_done(store, 5)
    wait(store, 3)
    wait(store, 7, kind="another")
    report = accepted(store)
    assert position(store, report) == 11

    store.kind_limits.pause(TEST, "another", None)
    assert position(store, report) == 4
    store.kind_limits.resume(TEST, "another")
    store.kind_limits.limit(TEST, "dowork", 1)
    assert position(store, report) == 4
    found = store.estimates.of(report)
    assert found is not None
    assert found.start_to - found.start_from > timedelta(0)
    store.kind_limits.pause(TEST, "dowork", None)
    assert store.estimates.of(report) is None


def test_it_reads_a_bounded_number_of_rows(store: Store) -> None:
    store.has_worker(slots=2, partitions=1)
    for number in range(20):
        have_been_done(store, 1000, kind=f"kind-{number}")
    have_been_done(store, 5000)
    wait(store, 5000)
    wait(store, 5000, kind="another")
    report = accepted(store)
    execute(store, "ANALYZE reports")

    read = rows_read_by(store, lambda: store.estimates.of(report))

    # each kind once, in steps, and what is counted of two of them
    assert read <= 3 * (MAX_AHEAD + 1) + 50 + 4 * 22, read
    found = store.estimates.of(report)
    assert found is not None
    assert (found.position, found.position_more) == (MAX_AHEAD, True)


def test_a_page_of_an_operation_reads_a_page(store: Store) -> None:
    wait(store, 5000)
    have_been_done(store, 5000)
    execute(store, "ANALYZE reports")

    def page() -> None:
        with store.transactions.reading() as connection:
            assert len(listing.found_ids(connection, ReportFilter(limit=200)).ids) == 200

    assert rows_read_by(store, page) <= 5 * 201 + 10


def test_it_is_no_secret_of_others(api: Access, store: Store) -> None:
    """A stranger gets the report neither with one nor without."""
    store.has_worker(slots=2, partitions=1)
    have_been_done(store, 5)
    report = api.requested(api.ann)
    bob: Person = api.person("bob", HERS, Role.REQUESTER)

    assert api.client.get(f"/api/v1/reports/{report.id}", headers=bob.headers).status_code == 404
