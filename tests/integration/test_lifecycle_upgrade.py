"""A rolling upgrade: processes of the version before run on beside those of this one."""

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text

from local.stack import Stack
from tests.support import lifecycle as ask
from tests.support.database import Database
from tests.support.kafka import Record, Topics
from tests.support.lifecycle_stack import NAMES
from tests.support.lifecycle_store import Policies, Store, engine_of, own_database
from tests.support.waiting import eventually
from waybill.domain import End, Fence, Status, new_report_id
from waybill.ledger import Overview
from waybill.store import SchemaBehind, check_schema
from waybill.store.migrate import _config, migrate
from waybill.topics import Topics as Names

pytest_plugins = ["tests.support.lifecycle_fixtures"]

TRACEPARENT = f"00-{'4b' * 16}-{'00f067aa0ba902b7'}-01"

INSERT = """
INSERT INTO reports (id, kind, parameters, source, traceparent, tracestate)
VALUES (:id, :kind, CAST(:parameters AS jsonb), NULL, :traceparent, NULL)
RETURNING version, status, created_at
"""
"""As the code of migration 0001 accepts a report."""

INSERT_MESSAGE = """
INSERT INTO outbox (topic, key, value, traced, traceparent, tracestate)
VALUES (:topic, :key, CAST(:value AS jsonb), true, :traceparent, NULL)
"""

WRITE_WORKER = """
INSERT INTO workers (name, slots, partitions, seen_at) VALUES (:name, 2, 1, clock_timestamp())
ON CONFLICT (name) DO UPDATE
SET slots = excluded.slots, partitions = excluded.partitions, seen_at = excluded.seen_at
"""
"""As a worker writes its row before migration 0017."""

COMMAND_V1 = {"schema_version": 1, "kind": "slow"}
"""With the report's id, all that the first version's command held."""


def insert_as_before(engine: Engine, names: Names, kind: str = "slow", *, announce: bool = True) -> UUID:
    """A report as a process of the version before accepts it, with its command."""
    report_id = new_report_id()
    value = json.dumps({**COMMAND_V1, "report_id": str(report_id)})
    parameters = json.dumps({"steps": 1, "seconds": 0})
    with engine.begin() as connection:
        connection.execute(
            text(INSERT),
            {"id": report_id, "kind": kind, "parameters": parameters, "traceparent": TRACEPARENT},
        )
        if announce:
            connection.execute(
                text(INSERT_MESSAGE),
                {
                    "topic": names.report,
                    "key": str(report_id),
                    "value": value,
                    "traceparent": TRACEPARENT,
                },
            )
    return report_id


@pytest.fixture
def before(stack: Stack) -> Iterator[Engine]:
    """A database as the version before left it."""
    with own_database(stack.endpoints.database_url, "before") as url, engine_of(url) as engine:
        upgrade_to(engine, "0001")
        yield engine


def upgrade_to(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_reports_from_before_the_upgrade_are_claimed_after_it(before: Engine, store: Store) -> None:
    report_id = insert_as_before(before, Names())
    with pytest.raises(SchemaBehind):
        check_schema(before)

    migrate(before)

    check_schema(before)
    upgraded = Store(before, store.artefacts, Policies())
    report = upgraded.claim(report_id, "the test")
    assert report is not None
    assert (report.status, report.failures, report.losses) == (Status.PROCESSING, 0, 0)
    fence = Fence(report_id, 1, "the test")
    assert upgraded.ledger.finish(fence, End(Status.DONE)).status is Status.DONE


def test_reports_that_an_old_process_accepts_after_it_are_claimed(store: Store) -> None:
    report_id = insert_as_before(store.engine, Names())

    report = store.claim(report_id, "the test")

    assert report is not None
    assert (report.status, report.attempt, report.not_before) == (Status.PROCESSING, 1, None)


def test_a_lost_command_of_an_old_process_is_made_anew(store: Store) -> None:
    report_id = insert_as_before(store.engine, Names(), announce=False)
    assert store.recovery.requeue_due() == []

    store.pass_time(timedelta(minutes=15, seconds=1))

    assert [report.id for report in store.recovery.requeue_due()] == [report_id]


def test_reports_from_before_that_lost_their_command_are_found_too(before: Engine, store: Store) -> None:
    report_id = insert_as_before(before, Names(), announce=False)
    migrate(before)
    upgraded = Store(before, store.artefacts, Policies())

    upgraded.pass_time(timedelta(minutes=15, seconds=1))

    assert [report.id for report in upgraded.recovery.requeue_due()] == [report_id]


def test_who_could_read_and_write_the_tables_can_after_it(before: Engine) -> None:
    """Also what has taken the place of a table; the role may be another one than that which migrates."""
    role = f"services_{uuid4().hex[:8]}"
    with before.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role}")
        connection.exec_driver_sql(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        )
    try:
        migrate(before)
        with before.begin() as connection:
            for relation in ("report_events", "report_changes", "publications", "maintenance_leases"):
                for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                    may = text("SELECT has_table_privilege(:role, :relation, :privilege)")
                    values = {"role": role, "relation": relation, "privilege": privilege}
                    assert connection.scalar(may, values), values
    finally:
        with before.begin() as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_of_a_worker_of_the_version_before_the_kinds_are_not_known(before: Engine, store: Store) -> None:
    upgrade_to(before, "0016")
    with before.begin() as connection:
        connection.execute(text(WRITE_WORKER), {"name": "an old worker"})
    migrate(before)
    upgraded = Store(before, store.artefacts, Policies())
    upgraded.has_worker(3, 2, ["slow"])

    for _ in range(2):
        workers = Overview(upgraded.transactions).for_waiting().workers
        assert (workers.number, workers.slots, workers.unknown) == (2, 5, 1)
        assert workers.offering("slow", is_defined=False) is None
        with before.begin() as connection:
            connection.execute(text(WRITE_WORKER), {"name": "an old worker"})


def test_the_upgrade_can_run_twice_and_at_once(before: Engine) -> None:
    assert migrate(before) == migrate(before)

    assert "idempotency_keys" in inspect(before).get_table_names()


def test_todays_services_work_on_what_an_old_process_accepts(
    api: httpx.Client, lifecycle_database: Database
) -> None:
    report_id = insert_as_before(lifecycle_database.engine, NAMES)

    report = ask.ended(api, report_id)

    assert (report["status"], report["attempt"]) == ("done", 1)
    assert report["trace_id"] == TRACEPARENT.split("-")[1]


def test_todays_worker_reads_a_command_of_the_first_version(
    api: httpx.Client, lifecycle_database: Database, topics: Topics
) -> None:
    """Also one with fields that a later version may add."""
    report_id = insert_as_before(lifecycle_database.engine, NAMES, announce=False)
    value = {**COMMAND_V1, "report_id": str(report_id), "traceparent": TRACEPARENT, "of_tomorrow": [1]}

    topics.send(NAMES.report, Record(json.dumps(value).encode(), str(report_id).encode()))

    assert ask.ended(api, report_id)["status"] == "done"
    told = eventually(lambda: topics.records_of(NAMES.report_status, report_id), "its status")
    assert told[-1].key == str(report_id).encode()
