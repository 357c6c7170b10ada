"""Statements that run all the time are planned once for a connection, by plans that stay right."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from tests.support.lifecycle_store import Store, engine_of
from tests.support.plans import scans
from waybill.domain import (
    Actor,
    End,
    Fence,
    Holder,
    HolderLimits,
    Level,
    LimitValues,
    NewReport,
    Owner,
    Progress,
    Status,
    StepChange,
    StepStatus,
    StepTaken,
    new_report_id,
)
from waybill.store import direct

pytest_plugins = ["tests.support.lifecycle_fixtures"]

SOMEONE = Actor(Owner(), "the test")
STEP = StepTaken(StepChange("s", StepStatus.RUNNING), Progress("s", 0, 1))


def produced(store: Store) -> None:
    """A report, with all that a worker writes of it."""
    report = store.ledger.accept(NewReport(new_report_id(), "dowork", {}, None, actor=SOMEONE))
    assert store.claim(report.id) is not None
    fence = Fence(report.id, 1, "the test")
    store.ledger.heartbeat(fence)
    store.ledger.steps(fence, [STEP])
    store.ledger.finish(fence, End(Status.DONE))


def prepared(connection: Connection) -> dict[str, int]:
    """The session's statements, with the number of their parameters."""
    found = connection.execute(
        text("SELECT name, coalesce(array_length(parameter_types, 1), 0) FROM pg_prepared_statements")
    )
    return {str(name): int(number) for name, number in found}


def plan(connection: Connection, name: str, parameters: int) -> dict[str, Any]:
    values = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
    explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) EXECUTE {name} {values}").scalar_one()
    found: dict[str, Any] = explained[0]["Plan"]
    return found


LIMITS = LimitValues(max_queued=1000, max_requests_per_minute=1000, max_kept_bytes=1000)


@pytest.mark.parametrize("is_known", [False, True], ids=["not-analyzed", "analyzed"])
@pytest.mark.parametrize("is_limited", [False, True], ids=["unlimited", "limited"])
def test_each_is_planned_once_and_by_index_also_while_the_tables_are_empty(
    store: Store, store_url: str, is_known: bool, is_limited: bool
) -> None:
    store.empty()
    for level in Level if is_limited else ():
        store.limits.set(HolderLimits(Holder(level), LIMITS))
    store.engine.dispose()
    if is_limited:
        store.kind_limits.limit(SOMEONE, "dowork", 3)
    if is_known:
        with psycopg.connect(store_url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
    for _ in range(2 if is_limited else 1):  # with turns, what is written differs in the first one
        produced(store)
    with store.engine.begin() as opened:  # not rolled back: the driver forgets what is prepared then
        first = prepared(opened)
    produced(store)

    with store.engine.begin() as opened:
        assert prepared(opened).keys() == first.keys()
        assert len(first) >= 7, (
            "a request, its entry in the audit, a claim, a heartbeat, steps, an end, and what belongs to them"
        )
        opened.exec_driver_sql(direct.settings_of(store.engine))
        plans = {name: plan(opened, name, parameters) for name, parameters in first.items()}

    assert {name: found for name, one in plans.items() if (found := list(scans(one)))} == {}


def test_a_connection_whose_statements_are_no_longer_right_is_replaced(store: Store, store_url: str) -> None:
    produced(store)
    with store.engine.begin() as connection:
        before = session(connection)
    with altered(store_url):
        produced(store)

        with store.engine.begin() as connection:
            assert session(connection) != before
            assert prepared(connection)
    store.engine.dispose()


@contextmanager
def altered(url: str) -> Iterator[None]:
    """As by a migration. In a session of its own: the driver forgets what is prepared in one that does it."""
    alter = "ALTER TABLE reports ALTER COLUMN tracestate TYPE"
    with engine_of(url) as engine:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"{alter} varchar")
        try:
            yield
        finally:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"{alter} text")


def session(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
