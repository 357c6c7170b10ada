"""What every process asks the database again and again reads what is due, not all that waits or has ended."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from tests.support.lifecycle_store import Store
from waybill.artefacts import ArtefactStore

pytest_plugins = ["tests.support.lifecycle_fixtures"]

_MANY = 20_000
_FILL = """
INSERT INTO reports (id, kind, parameters, status, enqueue_at, finished_at, created_at)
SELECT gen_random_uuid(), 'dowork', '{}', CASE WHEN ended THEN 'done' ELSE 'init' END,
    CASE WHEN ended THEN NULL ELSE now() + interval '10 minutes' END, CASE WHEN ended THEN now() END, now()
FROM generate_series(1, :many) AS number, (VALUES (true), (false)) AS states (ended);
INSERT INTO reports (id, kind, parameters, status, lease_owner, lease_expires_at)
SELECT gen_random_uuid(), 'dowork', '{}', 'processing', 'worker-' || number, now() + interval '30 s'
FROM generate_series(1, :many) AS number;
INSERT INTO idempotency_keys (key, request_sha256, report_id) SELECT id::text, '', id FROM reports;
INSERT INTO dead_letters (id, reason, detail, source, topic, partition, "offset")
SELECT gen_random_uuid(), 'not_json', '', number::text, 'report', 0, number
FROM generate_series(1, :many) AS number;
ANALYZE reports, idempotency_keys, dead_letters
"""
_LARGE = {"reports", "report_changes", "idempotency_keys", "dead_letters"}


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    """With many reports that wait, are being produced, and have ended; of each, nothing is due."""
    with store.engine.begin() as connection:
        for statement in _FILL.split(";"):
            connection.execute(text(statement), {"many": _MANY} if ":many" in statement else {})
    yield store
    store.empty()


def plans(engine: Engine, act: Any) -> list[dict[str, Any]]:
    """Of every statement that `act` executes."""
    executed: list[tuple[str, Any]] = []

    def note(_: Connection, __: Any, statement: str, parameters: Any, ___: Any, many: bool) -> None:
        assert not many
        executed.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    found = []
    with engine.connect() as connection:
        for statement, parameters in executed:
            if statement.split()[0] in ("SELECT", "UPDATE", "DELETE", "WITH"):
                explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
                found.append(explained.scalar_one()[0]["Plan"])
    return found


def scans(plan: dict[str, Any]) -> Iterator[str]:
    """The tables and indexes that it reads from their beginning to their end."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in _LARGE:
        yield plan["Relation Name"]
    if "Index Name" in plan and "Index Cond" not in plan:
        yield plan["Index Name"]
    for part in plan.get("Plans", ()):
        yield from scans(part)


def test_no_periodic_statement_reads_what_is_not_due(filled: Store) -> None:
    tasks = {
        "due": lambda: filled.recovery.is_due(timedelta(0)),
        "recovery": lambda: filled.recovery.recover_lost(timedelta(0)),
        "requeue": filled.recovery.requeue_due,
        "expired": filled.retention.remove_expired,
        "old": lambda: filled.retention.remove_reports(ArtefactStore("memory:///")),
        "cancellations": lambda: filled.ledger.cancelled_attempts("worker-1"),
    }

    for name, task in tasks.items():
        explained = plans(filled.engine, task)
        assert explained, name
        assert [table for plan in explained for table in scans(plan)] == [], (name, explained)
