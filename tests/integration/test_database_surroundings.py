"""Databases that are set up in other ways: what the role or the database has set does not show, or is refused
in a sentence."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError

from local.installation import Installation
from local.parts.postgres import unprivileged
from local.ports import Ports
from local.stack import Stack
from tests.support.database import Database
from tests.support.lifecycle_stack import LifecycleStack
from tests.support.lifecycle_store import Policies, Store, engine_of, own_database
from tests.support.waiting import eventually
from waybill.artefacts import ArtefactStore
from waybill.domain import NewReport, new_report_id
from waybill.store import (
    Rights,
    StoreUnavailable,
    UnsuitableDatabase,
    check_rights,
    check_schema,
    check_writable,
    ping,
)
from waybill.store import engine as engine_module
from waybill.store.migrate import migrate
from waybill.store.rights import API, WORKER

pytest_plugins = ["tests.support.lifecycle_fixtures"]

DATABASE_JOB = Path(__file__).parents[2] / "charts/waybill/files/database.py"

ODD_SETTINGS = {
    "DateStyle": "German",
    "TimeZone": "Asia/Kathmandu",
    "IntervalStyle": "iso_8601",
    "default_transaction_isolation": "serializable",
    "client_encoding": "LATIN1",
}


@pytest.fixture
def server(stack: Stack) -> Iterator[Database]:
    """The server's own database, each statement by itself."""
    engine = sqlalchemy.create_engine(
        make_url(stack.endpoints.database_url).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_pre_ping=True,
    )
    yield Database(engine)
    engine.dispose()


@pytest.fixture
def own(stack: Stack) -> Iterator[URL]:
    with own_database(stack.endpoints.database_url, "surroundings") as url:
        yield make_url(url)


def address(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@contextmanager
def role(server: Database, url: URL) -> Iterator[URL]:
    """The database as a role that owns nothing of it."""
    name = f"{url.database}_role"
    server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'harmless'")
    try:
        yield url.set(username=name, password="harmless")
    finally:
        server.execute(f"DROP OWNED BY {name}")
        server.execute(f"DROP DATABASE {url.database} WITH (FORCE)")
        server.execute(f"DROP ROLE {name}")
        server.execute(f"CREATE DATABASE {url.database}")


def test_settings_of_the_database_do_not_show(own: URL, server: Database, tmp_path: Path) -> None:
    for name, value in ODD_SETTINGS.items():
        server.execute(f"ALTER DATABASE {own.database} SET {name} = '{value}'")
    new = NewReport(new_report_id(), "dowork", {"name": "☃ 雪"}, None)

    with engine_of(address(own)) as engine:
        migrate(engine)
        check_schema(engine)
        store = Store(engine, ArtefactStore(tmp_path.as_uri()), Policies())
        report = store.ledger.accept(new)
        age = store.recovery.backlog().age
        with engine.connect() as connection:
            isolation = connection.exec_driver_sql("SHOW transaction_isolation").scalar_one()
        listed = store.ledger.get(new.id)

    assert isolation == "read committed"
    assert report.created_at.isoformat().endswith("+00:00")
    assert age.total_seconds() >= 0
    assert listed is not None
    assert listed.parameters == {"name": "☃ 雪"}


def test_a_limit_in_the_urls_options_wins_over_ours(own: URL) -> None:
    url = f"{address(own)}?options=-c%20lock_timeout%3D7s%20--search-path%3Dpg_catalog"

    with engine_of(url) as engine, engine.connect() as connection:
        values = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("lock_timeout", "idle_in_transaction_session_timeout", "search_path")
        ]

    assert values == ["7s", "15s", "pg_catalog"]


_END_RESTING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'resting'
"""


def test_a_connection_is_asked_whether_it_lives_only_after_a_rest(
    own: URL, server: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_REST_SECONDS", 0.2)
    with engine_of(address(own), pool_size=1, application="resting") as engine:
        asked: list[object] = []
        do_ping = engine.dialect.do_ping

        def noted(driver: Any) -> bool:
            asked.append(driver)
            return do_ping(driver)

        monkeypatch.setattr(engine.dialect, "do_ping", noted)
        for _ in range(3):
            ping(engine)
        assert asked == []

        time.sleep(0.3)
        ping(engine)
        assert len(asked) == 1

        server.execute(_END_RESTING)
        time.sleep(0.3)
        ping(engine)  # by another connection
        assert len(asked) == 2

        server.execute(_END_RESTING)
        with pytest.raises(StoreUnavailable):
            ping(engine)
        ping(engine)


def test_a_database_that_cannot_hold_every_text_is_refused(stack: Stack, server: Database) -> None:
    url = make_url(stack.endpoints.database_url).set(database="surroundings_latin1")
    server.execute("CREATE DATABASE surroundings_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with engine_of(address(url)) as engine:
            for check in (migrate, check_schema):
                with pytest.raises(
                    UnsuitableDatabase, match=r"encoding is LATIN1.*create it with ENCODING 'UTF8'"
                ):
                    check(engine)
        job = subprocess.run(
            [sys.executable, DATABASE_JOB, "migrate"],
            env={**os.environ, "WAYBILL_DATABASE_URL": address(url)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert job.returncode == 1
        assert job.stderr.startswith("The database's encoding is LATIN1")
    finally:
        server.execute("DROP DATABASE surroundings_latin1 WITH (FORCE)")


def test_the_charts_job_brings_the_schema_up_and_then_waits_for_nothing(own: URL) -> None:
    for what, said in (("migrate", "The schema is at "), ("wait", "")):
        job = subprocess.run(
            [sys.executable, DATABASE_JOB, what],
            env={**os.environ, "WAYBILL_DATABASE_URL": address(own)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (job.returncode, job.stderr) == (0, "")
        assert said in job.stdout


def run_migrate(url: URL) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [Installation.find().scripts / "waybill", "migrate"],
        env={**os.environ, "WAYBILL_DATABASE_URL": address(url)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_migrate_says_which_privilege_it_lacks(own: URL, server: Database, stack: Stack) -> None:
    with engine_of(address(own)) as owner, owner.begin() as connection:
        connection.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    with role(server, own) as url:
        result = run_migrate(url)

    assert (result.returncode, result.stderr.count("\n")) == (1, 1), result.stderr
    assert "permission denied for schema public" in result.stderr
    assert "GRANT USAGE, CREATE" in result.stderr


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("default_tablespace = pg_global", "The database refuses it (only shared relations can be placed in"),
        ("search_path = pg_temp", "The database would keep no table: its search_path"),
        ("search_path = nowhere", "The database refuses it (no schema has been selected to create in)"),
    ],
)
def test_migrate_says_which_setting_is_in_the_way(
    own: URL, server: Database, setting: str, said: str
) -> None:
    server.execute(f"ALTER DATABASE {own.database} SET {setting}")

    result = run_migrate(own)

    assert (result.returncode, result.stderr.count("\n")) == (1, 1), result.stderr
    assert result.stderr.startswith(f"waybill: {said}")


@pytest.mark.parametrize("rights", [API, WORKER], ids=lambda rights: rights.service)
def test_a_role_that_may_not_write_the_tables_is_not_ready(
    own: URL, server: Database, rights: Rights
) -> None:
    with engine_of(address(own)) as owner:
        migrate(owner)
        with owner.begin() as connection:
            connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC"))
    with (
        role(server, own) as url,
        engine_of(address(url)) as engine,
        pytest.raises(UnsuitableDatabase, match=r"lacks rights: GRANT .* ON reports TO it"),
    ):
        check_schema(engine)
        check_rights(engine, rights)


@dataclass(frozen=True)
class Standby:
    """A server in recovery, with no primary to follow. It listens on a port and in a folder."""

    port: int
    folder: Path


@pytest.fixture
def standby(tmp_path: Path) -> Iterator[Standby]:
    programs, data, ports = Installation.find().postgres, tmp_path / "data", Ports.free()
    port = ports["standby"]
    initdb = (str(programs / "initdb"), f"--pgdata={data}", "--username=waybill", "--auth=trust", "--no-sync")
    subprocess.run([*unprivileged(), *initdb], check=True, capture_output=True)
    (data / "standby.signal").touch()
    options = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={tmp_path}")
    arguments = [argument for option in options for argument in ("-c", option)]
    process = subprocess.Popen(
        [*unprivileged(), programs / "postgres", "-D", data, *arguments], stderr=subprocess.DEVNULL
    )
    try:
        with engine_of(f"postgresql://waybill@127.0.0.1:{port}/postgres") as engine:
            eventually(lambda: _answers(engine), "the standby answers")
        yield Standby(port, tmp_path)
    finally:
        process.terminate()
        process.wait(30)
        ports.release()


def _answers(engine: Engine) -> bool:
    try:
        ping(engine)
    except StoreUnavailable:
        return False
    return True


def test_a_standby_is_not_ready_also_when_reached_through_its_folder(standby: Standby) -> None:
    url = f"postgresql://waybill@/postgres?host={standby.folder}&port={standby.port}"

    with (
        engine_of(url) as engine,
        pytest.raises(StoreUnavailable, match="The database takes no writes: it is a standby"),
    ):
        check_writable(engine)


def test_of_several_servers_the_one_that_takes_writes_is_used(standby: Standby, stack: Stack) -> None:
    primary = make_url(stack.endpoints.database_url)
    hosts = f"127.0.0.1:{standby.port},127.0.0.1:{primary.port}"
    several = f"postgresql://{primary.username}:{primary.password}@{hosts}/postgres"

    with engine_of(several) as engine:
        check_writable(engine)
    with engine_of(f"{several}?target_session_attrs=any") as engine, pytest.raises(StoreUnavailable):
        check_writable(engine)


def test_both_services_are_ready_only_while_the_database_takes_writes(
    lifecycle: LifecycleStack, server: Database
) -> None:
    database = make_url(lifecycle.database_url).database
    probes = [f"http://127.0.0.1:{lifecycle.ports[name]}/readyz" for name in ("api", "worker-health")]

    def reconnect() -> None:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name", name=database
        )

    def said(probe: str) -> str:
        answer = httpx.get(probe, trust_env=False)
        database = answer.json()["parts"]["database"]
        assert (answer.status_code == httpx.codes.OK) == (database == "ok"), answer.text
        return str(database)

    server.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    try:
        reconnect()
        for probe in probes:
            refused = "The database takes no writes: default_transaction_read_only is on."
            eventually(lambda: said(probe) == refused, f"{probe} says that it takes no writes")  # noqa: B023
    finally:
        server.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
        reconnect()
    for probe in probes:
        eventually(lambda: said(probe) == "ok", f"{probe} is ready again")  # noqa: B023


def test_a_statement_that_the_database_refuses_is_tried_again_later(store: Store) -> None:
    for statement in (
        "SELECT missing",
        "SELECT * FROM missing",
        "CREATE ROLE reports; SET ROLE reports; TABLE outbox",
    ):
        with pytest.raises(StoreUnavailable), store.transactions.reading() as connection:
            connection.execute(text(statement))

    with pytest.raises(DataError), store.transactions.reading() as connection:
        connection.execute(text("SELECT CAST('x' AS integer)"))
