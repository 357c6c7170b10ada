"""What every process asks the database again and again reads what is due, not all that waits or has ended."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from tests.support.lifecycle_store import Store
from tests.support.plans import scans
from waybill.artefacts import ArtefactStore
from waybill.domain import NewReport, new_report_id
from waybill.store.statements import kind_limits
from waybill.store.tables import AWAITS

pytest_plugins = ["tests.support.lifecycle_fixtures"]

_MANY = 20_000
_FEW = 200
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
INSERT INTO publications (report_id, first_version, last_version, command)
SELECT id, 2, 2, false FROM reports WHERE status = 'processing' LIMIT 1000;
INSERT INTO step_results (report_id, step, digest, attempt, key, path, size, sha256)
SELECT id, 'a step', '', 1, id::text, 'a', 1, '' FROM reports WHERE status = 'processing';
ANALYZE reports, idempotency_keys, dead_letters, publications, step_results
"""
_LET_WAIT = """
INSERT INTO reports (id, kind, parameters, enqueue_at, created_at)
SELECT gen_random_uuid(), 'dowork', '{}', time, time
FROM generate_series(1, :many) AS number, LATERAL (SELECT now() - number * interval '1 ms') AS request (time);
INSERT INTO reports (id, kind, parameters, enqueue_at, not_before)
SELECT gen_random_uuid(), 'dowork', '{}', time, time
FROM generate_series(1, :many) AS number, LATERAL (SELECT now() + number * interval '1 ms') AS retry (time);
ANALYZE reports
"""

_LET_WAIT_FOR_KINDS = """
INSERT INTO reports (id, tenant, owner, kind, parameters, enqueue_at, not_before)
SELECT gen_random_uuid(), 'tenant-' || number % 20, 'owner-' || number % 7, kind, '{}', time, time
FROM generate_series(1, :many) AS number, (VALUES ('slow'), ('stopped'), ('was-slow')) AS kinds (kind),
    CAST('9999-12-31' AS timestamptz) AS time;
INSERT INTO kind_limits (kind, max_running, paused_at) VALUES ('slow', 3, NULL), ('stopped', NULL, now());
INSERT INTO limits (level, tenant, owner, weight, max_running) VALUES ('tenant', '', '', NULL, 50);
ANALYZE reports
"""


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    """With many reports that have a command, are being produced, and have ended, and some events to publish;
    of each, nothing is due."""
    execute(store, _FILL)
    yield store
    store.empty()


def execute(store: Store, statements: str) -> None:
    with store.engine.begin() as connection:
        for statement in statements.split(";"):
            connection.execute(text(statement), {"many": _MANY} if ":many" in statement else {})


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


def test_no_periodic_statement_reads_what_is_not_due(filled: Store) -> None:
    tasks = {
        "due": lambda: filled.recovery.is_due(timedelta(0)),
        "recovery": lambda: filled.recovery.recover_lost(timedelta(0)),
        "requeue": filled.recovery.requeue_due,
        "expired": filled.retention.remove_expired,
        "old": lambda: filled.retention.remove_reports(ArtefactStore("memory:///")),
        "results of steps": lambda: filled.retention.remove_step_results(ArtefactStore("memory:///")),
        "cancellations": lambda: filled.ledger.cancelled_attempts("worker-1"),
    }

    for name, task in tasks.items():
        explained = plans(filled.engine, task)
        assert explained, name
        assert [table for plan in explained for table in scans(plan)] == [], (name, explained)


def reads_all(plan: dict[str, Any]) -> Iterator[str]:
    """The steps that need many rows before they know the first."""
    sorts = plan["Node Type"] in ("Sort", "Incremental Sort") and scans_freely(plan)
    if (sorts or plan["Node Type"] == "Bitmap Heap Scan") and plan["Plan Rows"] > _FEW:
        yield plan["Node Type"]
    for part in plan.get("Plans", ()):
        yield from reads_all(part)


def scans_freely(plan: dict[str, Any]) -> bool:
    """Whether it reads reports below, and no limit says how many."""
    if plan["Node Type"] == "Limit":
        return False
    return plan.get("Relation Name") == "reports" or any(map(scans_freely, plan.get("Plans", ())))


def test_what_is_dispatched_is_found_without_reading_what_waits(filled: Store) -> None:
    execute(filled, _LET_WAIT)
    filled.has_worker(slots=100, partitions=8)
    first = filled.ledger.accept(requested()).id
    tasks = {
        "due": lambda: filled.recovery.is_due(timedelta(0)),
        "requeue": filled.recovery.requeue_due,
        "accept": lambda: filled.ledger.accept(requested()),
        "claim": lambda: filled.claim(first),
    }

    for name, task in tasks.items():
        explained = plans(filled.engine, task)
        assert [table for plan in explained for table in scans(plan)] == [], (name, explained)
        assert [step for plan in explained for step in reads_all(plan)] == [], (name, explained)


def test_so_is_what_gets_a_turn(filled: Store) -> None:
    """Neither what waits for a paused kind, nor the whole run of what waits for a full one."""
    execute(filled, "DELETE FROM reports WHERE status <> 'done'")
    execute(filled, _LET_WAIT)
    execute(filled, _LET_WAIT_FOR_KINDS)
    filled.has_worker(slots=100, partitions=8)
    cancelled = filled.ledger.accept(requested()).id
    tasks = {
        "due": lambda: filled.recovery.is_due(timedelta(0)),
        "requeue": filled.recovery.requeue_due,
        "park": lambda: park(filled),
        "let wait": lambda: filled.ledger.let_wait(cancelled),
    }

    for name, task in tasks.items():
        explained = plans(filled.engine, task)
        assert explained, name
        assert [table for plan in explained for table in scans(plan)] == [], (name, explained)
        assert [step for plan in explained for step in reads_all(plan)] == [], (name, explained)


def park(store: Store) -> None:
    with store.engine.begin() as connection:
        kind_limits.park(connection, 100)


def requested() -> NewReport:
    return NewReport(new_report_id(), "dowork", {}, None)


KEDA = Path(__file__).parents[2] / "charts/waybill/templates/report-worker/keda.yaml"


def test_what_keda_asks_finds_what_could_run_by_indexes(filled: Store) -> None:
    template = KEDA.read_text()
    retry, claim = re.findall(r'"(WHEN [^"]*)"', template)
    awaits = f"(CASE {retry} {claim} ELSE 'room'::text END)"
    assert awaits == f"({AWAITS})"
    query = re.search(r"query: >-(.*?)targetQueryValue", template, re.DOTALL)
    assert query is not None
    statement = query[1].replace("{{ $awaits }}", awaits)
    execute(filled, "DELETE FROM reports WHERE status <> 'done'; ANALYZE reports")
    report_ids = [filled.ledger.accept(requested()).id for _ in range(6)]
    assert filled.claim(report_ids[0]) is not None

    with filled.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}").scalar_one()[0]["Plan"]
        found = connection.exec_driver_sql(statement).scalar_one()

    assert set(relations(plan)) <= {"reports_lease_idx", "reports_room_idx", "reports_awaits_idx"}
    assert found == len(report_ids)


def relations(plan: dict[str, Any]) -> Iterator[str]:
    """The indexes that it reads; and the tables that it reads without one."""
    if name := plan.get("Index Name", plan.get("Relation Name")):
        yield name
    for part in plan.get("Plans", ()):
        yield from relations(part)
