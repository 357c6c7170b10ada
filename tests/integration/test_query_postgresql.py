"""Steps on a real PostgreSQL, by a role that may read: what comes of its types, what it refuses, and how it
ends."""

import datetime as dt
import multiprocessing
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from local.stack import Stack
from report_worker.query import postgresql
from report_worker.query.errors import SqlError
from report_worker.query.postgresql import PostgresqlQuery
from tests.support.waiting import eventually
from waybill.errors import PermanentError, RetryableError

NAME = f"source_{uuid4().hex[:12]}"
PASSWORD = "s3cret-of-the-reader"
SESSIONS = f"select count(*) from pg_stat_activity where usename = '{NAME}'"  # noqa: S608 - ours
OWN = """
    CREATE TABLE orders (id int PRIMARY KEY, region text, amount numeric(10, 2), day date);
    INSERT INTO orders SELECT n, 'region ' || n % 3, n * 1.5, date '2026-10-01' + n % 31
        FROM generate_series(1, 25000) n;
    CREATE TABLE hidden (secret text);
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE DOMAIN positive AS int CHECK (value > 0);
    CREATE SEQUENCE numbers;
    CREATE FUNCTION sneaky() RETURNS int LANGUAGE sql SECURITY DEFINER AS
        $$ INSERT INTO orders (id) VALUES (0) RETURNING id $$;
"""


@dataclass(frozen=True)
class Source:
    """A database of the tests alone, by the URLs of a superuser and of a role that reads."""

    owner: str
    reader: str

    def query(self, *, seconds: float = 60, max_rows: int = 1_000_000, url: str = "") -> PostgresqlQuery:
        timeout = dt.timedelta(seconds=seconds)
        return PostgresqlQuery(url or self.reader, "waybill report-1", timeout, max_rows)

    def rows(self, statement: str, tmp_path: Path, **values: Any) -> list[dict[str, Any]]:
        target = tmp_path / "step.parquet"
        count = self.query().run(statement, values, target)
        found: list[dict[str, Any]] = pq.read_table(target).to_pylist()
        assert len(found) == count
        return found

    def by_owner(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture(scope="module")
def source(stack: Stack) -> Iterator[Source]:
    url = stack.endpoints.database_url
    owner = url.rpartition("/")[0] + f"/{NAME}"
    name, password = sql.Identifier(NAME), sql.Literal(PASSWORD)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password))
        host = connection.info.host, connection.info.port
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(OWN)
        connection.execute(sql.SQL("GRANT SELECT ON orders TO {}").format(name))
    yield Source(owner, f"postgresql://{NAME}:{PASSWORD}@{host[0]}:{host[1]}/{NAME}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("DROP ROLE {}").format(name))


# --- what comes


def test_rows_come_in_parts(source: Source, tmp_path: Path) -> None:
    statement = """select id, region, amount, day from orders
        where region = any(:regions) and id > :least order by id"""
    found = source.rows(statement, tmp_path, regions=["region 1", "region 2"], least=10)
    assert len(found) == 16_660
    assert found[0] == {
        "id": 11,
        "region": "region 2",
        "amount": Decimal("16.50"),
        "day": dt.date(2026, 10, 12),
    }


VALUES: list[tuple[str, str, Any]] = [
    ("1::int2", "int16", 1),
    ("2::int4", "int32", 2),
    ("3::int8", "int64", 3),
    ("1.50::numeric(10, 2)", "decimal128(10, 2)", Decimal("1.50")),
    ("sum(5::int8)", "decimal128(38, 0)", Decimal(5)),
    ("1.25::numeric", "decimal128(38, 2)", Decimal("1.25")),
    ("null::numeric", "decimal128(38, 0)", None),
    ("1.5::float4", "float", 1.5),
    ("0.1::float8", "double", 0.1),
    ("true", "bool", True),
    ("'é'::text", "string", "é"),
    ("'x'::varchar(3)", "string", "x"),
    ("'x'::char(3)", "string", "x  "),
    ("'x'::name", "string", "x"),
    ("date '2026-10-01'", "date32[day]", dt.date(2026, 10, 1)),
    ("time '10:00:00.5'", "time64[us]", dt.time(10, 0, 0, 500_000)),
    (
        "timestamp '2026-10-01 01:02:03.456'",
        "timestamp[us]",
        dt.datetime.fromisoformat("2026-10-01T01:02:03.456"),
    ),
    (
        "timestamptz '2026-10-01 00:00+02'",
        "timestamp[us, tz=UTC]",
        dt.datetime(2026, 9, 30, 22, tzinfo=dt.UTC),
    ),
    ("timestamptz '1800-01-01 00:00+00'", "timestamp[us, tz=UTC]", dt.datetime(1800, 1, 1, tzinfo=dt.UTC)),
    ("interval '2 days 3 seconds'", "duration[us]", dt.timedelta(days=2, seconds=3)),
    ("interval '-1 hour'", "duration[us]", dt.timedelta(hours=-1)),
    ("'00000000-0000-0000-0000-000000000001'::uuid", "string", "00000000-0000-0000-0000-000000000001"),
    ('\'{"a":1,"a":2}\'::json', "string", '{"a":1,"a":2}'),
    ("'{\"b\":1.50}'::jsonb", "string", '{"b": 1.50}'),
    ("'\\x00ff'::bytea", "binary", b"\x00\xff"),
    ("array[1, null]", "list<element: int32>", [1, None]),
    ("array['a', 'b']", "list<element: string>", ["a", "b"]),
    ("array[date '2026-10-01']", "list<element: date32[day]>", [dt.date(2026, 10, 1)]),
    ("array[]::int[]", "list<element: int32>", []),
    ("array[1.5]", "string", "{1.5}"),
    ("'happy'::mood", "string", "happy"),
    ("array['happy']::mood[]", "string", "{happy}"),
    ("5::positive", "int32", 5),
    ("'10.0.0.1'::inet", "string", "10.0.0.1"),
    ("int4range(1, 3)", "string", "[1,3)"),
    ("row(1, 'x')", "string", "(1,x)"),
    ("null", "string", None),
    ("'10:00+01'::timetz", "string", "10:00:00+01"),
    ("10::oid", "int64", 10),
]


def test_types(source: Source, tmp_path: Path) -> None:
    columns = ", ".join(f"{expression} as c{number}" for number, (expression, _, _) in enumerate(VALUES))
    [row] = source.rows(f"select {columns}", tmp_path)
    schema = pq.read_schema(tmp_path / "step.parquet")
    for field, value, (expression, kind, expected) in zip(schema, row.values(), VALUES, strict=True):
        assert (str(field.type), value) == (kind, expected), expression


def test_a_numeric_grows_with_what_comes(source: Source, tmp_path: Path) -> None:
    statement = """select case when n < 9000 then 1.5 when n < 20000 then 1.123456 else 12345678901234567890.1
        end as x from generate_series(1, 30000) n order by n"""
    found = source.rows(statement, tmp_path)
    assert {one["x"] for one in found} == {
        Decimal("1.5"),
        Decimal("1.123456"),
        Decimal("12345678901234567890.1"),
    }
    assert [one.name for one in tmp_path.iterdir()] == ["step.parquet"]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("select 'NaN'::numeric as x", "NaN or infinite"),
        ("select repeat('9', 39)::numeric as x", "more than 38 digits"),
        ("select interval '1 month' as x", "no fixed length"),
        ("select array[[1, 2], [3, 4]] as x", "to_json"),
        ("select date 'infinity' as x", "cannot be read"),
        ("select id, id from orders", "more than one column 'id'"),
        ('select 1 as a, 2 as "A"', "more than one column 'a'"),
        ("select 1", "Column 1 of the result has no name"),
        ("select * from generate_series(1, 30000) n", "more than 20,000 rows"),
    ],
)
def test_what_a_file_cannot_have_is_refused_with_the_remedy(
    source: Source, tmp_path: Path, statement: str, reason: str
) -> None:
    with pytest.raises(PermanentError, match=reason):
        source.query(max_rows=20_000).run(statement, {}, tmp_path / "step.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "value",
    [
        "'; drop table orders; --",
        "%s %(x)s %%",
        "$1 :x",
        "\\'",
        7,
        -(2**40),
        1.5,
        True,
        dt.date(2026, 10, 1),
        None,
    ],
    ids=str,
)
def test_values_are_bound(source: Source, tmp_path: Path, value: Any) -> None:
    [row] = source.rows("select :x as x, '%' || ':x' as y, 5 % 3 as z", tmp_path, x=value)
    assert (row["x"], row["y"], row["z"]) == (value, "%:x", 2)
    assert source.by_owner("select count(*) from orders") == [(25_000,)]


def test_choices_are_rows(source: Source) -> None:
    found = source.query().values("select distinct region, 'x' from orders order by 1", 2)
    assert found == [("region 0", "x"), ("region 1", "x")]


# --- what it cannot do

WRITES = [
    "insert into orders (id) values (0)",
    "with x as (insert into orders (id) values (0) returning id) select * from x",
    "with x as (delete from orders returning id) select id from x",
    "delete from orders",
    "drop table orders",
    "create temp table t as select 1 as a",
    "select 1 as a into temp t",
    "select id from orders for update",
    "select sneaky() as x",
    "select nextval('numbers') as x",
    "select 1 as a; delete from orders",
    "select 1 as a; commit; delete from orders; begin",
    "rollback",
    "set transaction read write",
    "select set_config('transaction_read_only', 'off', true) as x, sneaky() as y",
    "do $$ begin delete from orders; end $$",
    "call x()",
    "explain analyze delete from orders",
    "copy orders to '/tmp/orders'",
    "copy orders to program 'id'",
    "copy orders to stdout",
    "vacuum",
    "prepare p as select 1",
    "close waybill_step",
    # what it may not read
    "select * from hidden",
    "select * from pg_authid",
    "select pg_read_file('/etc/passwd') as x",
    "select lo_import('/etc/passwd') as x",
    "select * from pg_ls_dir('/')",
]


@pytest.mark.parametrize("statement", WRITES)
def test_a_step_changes_nothing_and_reads_what_its_role_may(
    source: Source, tmp_path: Path, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also were the role's rights not looked at."""
    monkeypatch.setattr(postgresql, "_GRANTED", "SELECT 1 WHERE false")
    source.by_owner(f"GRANT ALL ON orders, numbers TO {NAME}")
    try:
        with pytest.raises(PermanentError):
            source.rows(statement, tmp_path)
    finally:
        source.by_owner(f"REVOKE ALL ON orders, numbers FROM {NAME}; GRANT SELECT ON orders TO {NAME}")
    assert source.by_owner("select count(*), count(region) from orders") == [(25_000, 25_000)]
    assert not list(tmp_path.iterdir())


def test_whatever_a_function_did_is_rolled_back(source: Source, tmp_path: Path) -> None:
    """Before version 16, large objects could be made in a transaction that only reads."""
    try:
        source.rows(
            "select lo_create(0) as x, set_config('default_transaction_read_only', 'off', false) as y",
            tmp_path,
        )
    except PermanentError as error:
        assert "read-only" in str(error)
    assert source.by_owner("select count(*) from pg_largeobject_metadata") == [(0,)]


def test_a_superuser_is_refused(source: Source, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"is a superuser.*GRANT SELECT"):
        source.query(url=source.owner).run("select 1 as a", {}, tmp_path / "step.parquet")


@pytest.mark.parametrize("role", ["pg_write_all_data", "pg_write_server_files", "pg_execute_server_program"])
def test_a_role_that_may_write_past_the_guards_is_refused(source: Source, tmp_path: Path, role: str) -> None:
    source.by_owner(f"GRANT {role} TO {NAME}")
    try:
        with pytest.raises(PermanentError, match=f"has {role}"):
            source.rows("select 1 as a", tmp_path)
    finally:
        source.by_owner(f"REVOKE {role} FROM {NAME}")


@pytest.mark.parametrize(
    ("grant", "revoke", "says"),
    [
        (
            "GRANT ALL ON orders TO {}",
            "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON orders FROM {}",
            "write to orders",
        ),
        (
            "GRANT UPDATE (region) ON orders TO {}",
            "REVOKE UPDATE (region) ON orders FROM {}",
            "write to orders",
        ),
        ("ALTER ROLE {} CREATEROLE", "ALTER ROLE {} NOCREATEROLE", "make roles"),
        ("ALTER ROLE {} CREATEDB", "ALTER ROLE {} NOCREATEDB", "make databases"),
        (
            "GRANT CREATE ON SCHEMA public TO {}",
            "REVOKE CREATE ON SCHEMA public FROM {}",
            "create tables in the schema public",
        ),
        (
            f"GRANT CREATE ON DATABASE {NAME} TO {{}}",
            f"REVOKE CREATE ON DATABASE {NAME} FROM {{}}",
            f"create schemas in the database {NAME}",
        ),
        (
            f"CREATE ROLE {NAME}_writer; GRANT INSERT ON orders TO {NAME}_writer;"
            f" ALTER ROLE {{0}} NOINHERIT; GRANT {NAME}_writer TO {{0}}",
            f"DROP OWNED BY {NAME}_writer; DROP ROLE {NAME}_writer; ALTER ROLE {{0}} INHERIT",
            "write to orders",
        ),
    ],
    ids=["table", "column", "roles", "databases", "schema", "database", "by another role"],
)
def test_a_role_that_may_write_is_refused(
    source: Source, tmp_path: Path, grant: str, revoke: str, says: str
) -> None:
    source.by_owner(grant.format(NAME))
    try:
        with pytest.raises(PermanentError, match=f"may {says}.*GRANT SELECT"):
            source.rows("select 1 as a", tmp_path)
    finally:
        source.by_owner(revoke.format(NAME))


@pytest.mark.parametrize(
    ("old", "new"), [(PASSWORD, "wrong"), (f"/{NAME}", "/nothing-of-the-kind")], ids=["password", "database"]
)
def test_a_wrong_password_or_database_is_not_tried_again(
    source: Source, tmp_path: Path, old: str, new: str
) -> None:
    url = new.join(source.reader.rsplit(old, 1))
    with pytest.raises(PermanentError, match="cannot be reached"):
        source.query(url=url).run("select 1 as a", {}, tmp_path / "step.parquet")


def test_a_parameter_without_a_type_is_named_with_its_place(source: Source, tmp_path: Path) -> None:
    with pytest.raises(
        PermanentError, match=r"type of :country: write :country::text.*line 2 of the SQL, column 7"
    ):
        source.rows("select id from orders\nwhere :country is null", tmp_path, country=None)


# --- how it ends


@pytest.mark.parametrize(
    ("statement", "place", "said"),
    [
        ("select nope\nfrom orders", (1, 8), 'column "nope" does not exist'),
        ("select id\nfrom\n  nope where id = :x", (3, 3), 'relation "nope" does not exist'),
        ("select :x::int as a,\n  region + :x from orders", (2, 10), "operator does not exist"),
        ("selec 1", (1, 1), "syntax error"),
        ("select 1 / (id - 1) as x from orders", None, "division by zero"),
    ],
)
def test_an_error_has_its_place(
    source: Source, tmp_path: Path, statement: str, place: tuple[int, int] | None, said: str
) -> None:
    with pytest.raises(SqlError, match=said) as wrong:
        source.rows(statement, tmp_path, x=1)
    assert wrong.value.place == place
    assert PASSWORD not in str(wrong.value)


def test_a_statement_that_takes_too_long_is_stopped(source: Source, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"longer than 0\.5 s"):
        source.query(seconds=0.5).run("select pg_sleep(60)::text as x", {}, tmp_path / "step.parquet")
    eventually(lambda: running(source) == 0, "the session has ended")


def test_so_are_many_parts_that_each_take_little(source: Source, tmp_path: Path) -> None:
    slow = "select n, pg_sleep(0.01)::text as s from generate_series(1, 100000) n"
    with pytest.raises(PermanentError, match="longer than 2 s"):
        source.query(seconds=2).run(slow, {}, tmp_path / "step.parquet")


def running(source: Source) -> int:
    [(count,)] = source.by_owner(f"{SESSIONS} and application_name = 'waybill report-1'")
    return int(count)


def in_thread(source: Source, tmp_path: Path) -> tuple[threading.Thread, list[BaseException]]:
    """A statement that sleeps, and what it ends with."""
    ended: list[BaseException] = []

    def run() -> None:
        try:
            source.query().run("select pg_sleep(60)::text as x", {}, tmp_path / "step.parquet")
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: running(source) == 1, "the statement runs")
    return thread, ended


def test_the_statement_of_a_process_that_is_killed_ends(source: Source, tmp_path: Path) -> None:
    def sleep() -> None:
        source.query().run("select pg_sleep(600)::text as x", {}, tmp_path / "step.parquet")

    process = multiprocessing.get_context("fork").Process(target=sleep)
    process.start()
    eventually(lambda: running(source) == 1, "the statement runs")
    process.kill()
    process.join()
    eventually(lambda: running(source) == 0, "the statement has ended")


def test_a_server_that_ends_the_session_is_tried_again(source: Source, tmp_path: Path) -> None:
    thread, ended = in_thread(source, tmp_path)
    time.sleep(0.1)
    source.by_owner(SESSIONS.replace("count(*)", "pg_terminate_backend(pid)"))
    thread.join()
    [error] = ended
    assert isinstance(error, RetryableError)


def test_a_server_that_is_not_there_is_tried_again(source: Source, tmp_path: Path) -> None:
    gone = source.reader.replace(source.reader.rpartition(":")[2], f"1/{NAME}")
    with pytest.raises(RetryableError, match="cannot be reached") as error:
        source.query(url=gone).run("select 1 as a", {}, tmp_path / "step.parquet")
    assert PASSWORD not in str(error.value)


def test_too_many_connections_are_tried_again(source: Source, tmp_path: Path) -> None:
    source.by_owner(f"ALTER ROLE {NAME} CONNECTION LIMIT 0")
    try:
        with pytest.raises(RetryableError, match="too many connections"):
            source.rows("select 1 as a", tmp_path)
    finally:
        source.by_owner(f"ALTER ROLE {NAME} CONNECTION LIMIT -1")


def test_no_session_is_left(source: Source, tmp_path: Path) -> None:
    source.rows("select 1 as a", tmp_path)
    eventually(lambda: running(source) == 0, "the session has ended")
