"""PgBouncer in transaction mode before PostgreSQL: each transaction may have another session."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from local.stack import Stack
from tests.support import lifecycle as ask
from tests.support.database import Database
from tests.support.lifecycle_stack import WORKER, LifecycleStack, lifecycle_stack
from tests.support.lifecycle_store import engine_of, own_database
from tests.support.pgbouncer import pgbouncer

CONFIGURATIONS = {
    "as-installed": "",
    "startup-options-ignored": "ignore_startup_parameters = options",
}


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def pooled(
    request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LifecycleStack]:
    """Services that reach their database through it alone, and so did their migrations."""
    directory = tmp_path_factory.mktemp("pooled")
    name = f"pooled-{request.param}"
    settings = {
        "WAYBILL_KAFKA_TOPIC_REPORT": f"{name}-report",
        "WAYBILL_KAFKA_TOPIC_REPORT_STATUS": f"{name}-report-status",
        "WAYBILL_KAFKA_TOPIC_REPORT_DEAD_LETTER": f"{name}-report-dead-letter",
        "WAYBILL_KAFKA_GROUP": name,
    }
    with (
        own_database(stack.endpoints.database_url, "pooled") as direct,
        pgbouncer(direct, directory, CONFIGURATIONS[request.param]) as url,
        lifecycle_stack(stack, url, directory / "run", settings) as started,
    ):
        yield started


@pytest.fixture
def api(pooled: LifecycleStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=pooled.api_url, timeout=60, trust_env=False) as opened:
        yield opened


def test_requests_from_many_threads_and_their_reports_succeed(
    pooled: LifecycleStack, api: httpx.Client
) -> None:
    pid = pooled.pid(WORKER)
    with ThreadPoolExecutor(6) as threads:
        listed = list(threads.map(lambda _: api.get(ask.REPORTS).status_code, range(90)))
        report_ids = list(threads.map(lambda _: ask.request(api, "slow", steps=1, seconds=0), range(30)))

    assert set(listed) == {httpx.codes.OK}
    assert {ask.ended(api, report_id)["status"] for report_id in report_ids} == {"done"}
    assert (pooled.pid(WORKER), pooled.runner.process(WORKER).exit_code) == (pid, None)


def test_one_process_does_maintenance_through_it(pooled: LifecycleStack, api: httpx.Client) -> None:
    """A retry is due only for a process that looks for it."""
    report_id = ask.request(api, "flaky", failures=1)

    assert ask.ended(api, report_id)["attempt"] == 2
    with engine_of(pooled.database_url) as engine:
        (held,) = Database(engine).rows(
            "SELECT holder, rank, expires_at > now() AS held FROM maintenance_leases WHERE task = 'recovery'"
        )
    assert held["held"]
    assert held["holder"].startswith("report-worker@")


def test_settings_hold_for_a_transaction_and_leave_nothing_in_the_session(pooled: LifecycleStack) -> None:
    with engine_of(pooled.database_url) as engine, engine.connect() as connection:
        inside = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("lock_timeout", "idle_in_transaction_session_timeout", "TimeZone")
        ]
    with psycopg.connect(pooled.database_url, autocommit=True) as bare:
        (after,) = bare.execute("SHOW lock_timeout").fetchone() or ()
        (prepared,) = bare.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() or ()

    assert inside == ["20s", "15s", "UTC"]
    assert (after, prepared) == ("0", 0)
