"""Steps in DuckDB: they read the files of their source and the results before them, and nothing else."""

import datetime as dt
import gzip
import json
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from report_worker.files import Result
from report_worker.query.duck import DuckDbQuery
from report_worker.query.errors import SqlError
from report_worker.query.sources import DuckDbLimits
from waybill.errors import PermanentError

LIMITS = DuckDbLimits()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source's folder, with links that lead out of it, beside what it must not reach."""
    folder, outside = tmp_path / "exports", tmp_path / "outside"
    (folder / "2026").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.csv").write_text("a\ns3cret\n")
    with gzip.open(folder / "flights.csv.gz", "wt") as file:
        file.write("carrier,flights\nAA,1\nUA,2\n")
    (folder / "rates.json").write_text(json.dumps([{"code": "EUR", "rate": 1.5}]))
    for month in (1, 2):
        pq.write_table(pa.table({"month": [month]}), folder / "2026" / f"{month}.parquet")
    (folder / "link.csv").symlink_to(outside / "secret.csv")
    (folder / "linked").symlink_to(outside)
    (folder / "inside.csv").symlink_to(folder / "flights.csv.gz")
    return folder


def query(beside: Path, *, seconds: float = 60, max_rows: int = 1000, **more: Any) -> DuckDbQuery:
    scratch = beside.parent / "scratch"
    return DuckDbQuery(
        more.pop("limits", LIMITS),
        scratch,
        dt.timedelta(seconds=seconds),
        max_rows,
        **{"folder": beside, **more},
    )


def rows(query: DuckDbQuery, sql: str, **values: Any) -> list[dict[str, Any]]:
    target = query.scratch.parent / "results" / "step.parquet"
    count = query.run(sql, values, target)
    found: list[dict[str, Any]] = pq.read_table(target).to_pylist()
    assert count == len(found)
    return found


def test_files_are_read_by_their_names_in_the_folder(folder: Path) -> None:
    before = Path.cwd()
    found = rows(
        query(folder), "select * from read_csv('flights.csv.gz') where carrier = :carrier", carrier="UA"
    )
    assert found == [{"carrier": "UA", "flights": 2}]
    assert rows(query(folder), "from '2026/*.parquet' order by month") == [{"month": 1}, {"month": 2}]
    assert rows(query(folder), "from 'rates.json'") == [{"code": "EUR", "rate": 1.5}]
    assert Path.cwd() == before


@pytest.mark.parametrize("end", ["", ";", " ; ;", "; -- that is all", " -- ;", "\n/* ; */ ;"])
def test_it_may_have_an_end(folder: Path, end: str) -> None:
    assert rows(query(folder), f"select ';' as a{end}") == [{"a": ";"}]


def contents(folder: Path) -> set[tuple[str, int]]:
    """All that lies beside the scratch directory, with its size."""
    return {(str(one), one.lstat().st_size) for one in folder.parent.rglob("*") if "scratch" not in one.parts}


REFUSED = [
    # other files
    "select * from read_text('/etc/passwd')",
    "select * from read_csv('../outside/secret.csv')",
    "select * from read_csv('FOLDER/../outside/secret.csv')",
    "select * from read_csv('link.csv')",
    "select * from read_csv('linked/secret.csv')",
    "select * from read_csv('*.csv', union_by_name := true)",
    "select * from read_blob('file:///etc/passwd')",
    "select * from read_text('/proc/self/environ')",
    "select * from read_text('~/.bashrc')",
    "select * from '/dev/stdin'",
    "select * from glob('/etc/*')",
    "select * from glob('../*')",
    "select * from glob('linked/*')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from parquet_metadata('/etc/passwd')",
    "select * from read_duckdb('/etc/passwd')",
    # the network and extensions
    "select * from read_csv('https://example.com/x.csv')",
    "select * from read_parquet('s3://bucket/x.parquet')",
    "select * from 'http://169.254.169.254/latest/meta-data'",
    "install httpfs",
    "load httpfs",
    "select * from sqlite_scan('x.db', 't')",
    "select * from postgres_scan('host=127.0.0.1', 'public', 't')",
    # the process
    "select getenv('HOME') as home",
    "select * from secret_variable",
    "select * from duckdb_secrets()",
    # what writes, or changes settings
    "copy (select 1) to 'out.csv'",
    "copy (select 1) to 'FOLDER/out.csv'",
    "select * from query('copy (select 1) to ''FOLDER/out.csv''')",
    "with x as (copy (select 1) to 'FOLDER/out.csv') select * from x",
    "with x as materialized (copy (select 1) to 'FOLDER/out.csv') from x",
    "with x as (copy (select 1) to 'FOLDER/out.csv') select 1 as a",
    "select (with x as (copy (select 1) to 'FOLDER/out.csv') select 1) as a",
    "from query('with x as (copy (select 1) to ''FOLDER/out.csv'') from x')",
    "export database 'FOLDER/out'",
    "attach 'FOLDER/out.db'",
    "create table t as select 1",
    "insert into step values (1)",
    "set enable_external_access = true",
    "reset lock_configuration",
    "pragma enable_profiling",
    "call enable_logging()",
    "from enable_logging('QueryLog', storage := 'file', storage_path := 'FOLDER/log')",
    "from enable_profiling(format := 'json', save_location := 'FOLDER/profile.json')",
    "from add_grammar_extension('x')",
    "checkpoint",
    "begin",
    "prepare p as select 1",
    # more than one, or none
    "select 1 as a; select 2 as a",
    "select 1 as a; copy (select 1) to 'FOLDER/out.csv'",
    "",
    "-- nothing",
    "pivot (select 1 as a, 2 as b) on a using sum(b)",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_whatever_reads_elsewhere_or_writes_is_refused(folder: Path, sql: str) -> None:
    secret_variable = pa.table({"a": ["s3cret"]})
    assert secret_variable.num_rows
    target = folder.parent / "results" / "step.parquet"
    target.parent.mkdir()
    before = contents(folder)
    with pytest.raises(PermanentError) as refused:
        query(folder).run(sql.replace("FOLDER", str(folder)), {}, target)
    assert "s3cret" not in str(refused.value)
    assert contents(folder) == before


def test_a_link_within_the_folder_is_read(folder: Path) -> None:
    assert len(rows(query(folder), "from read_csv('inside.csv', compression := 'gzip')")) == 2


def test_without_a_folder_no_file_is_read(folder: Path) -> None:
    for sql in ("from read_csv('flights.csv.gz')", f"from read_csv('{folder}/flights.csv.gz')"):
        with pytest.raises(PermanentError):
            rows(query(folder, folder=None), sql)


def test_a_folder_that_is_not_there(folder: Path) -> None:
    with pytest.raises(PermanentError, match="is not there"):
        rows(query(folder, folder=folder / "none"), "select 1 as a")


def test_results_are_tables_with_the_types_that_they_had(folder: Path) -> None:
    sql = """select 1::int as i, 1.50::decimal(10, 2) as d, 'x'::enum('x', 'y') as e, null as n,
        interval '2 days 3 seconds' as v, date '2026-10-01' as day,
        timestamptz '2026-10-01 00:00+02' as moment,
        [1, 2] as l, {'a': 1} as s, true as b, uuid '00000000-0000-0000-0000-000000000001' as u"""
    [row] = rows(query(folder), sql)
    assert row["d"] == Decimal("1.50")
    assert row["v"] == dt.timedelta(days=2, seconds=3)
    assert (row["e"], row["n"], row["l"]) == ("x", None, [1, 2])
    first = Result("orders", folder.parent / "results" / "orders.parquet", 1)
    (folder.parent / "results" / "step.parquet").rename(first.path)
    on_results = query(folder, folder=None, results={"orders": first})
    [row] = rows(on_results, "select v + interval '1 second' as v, typeof(moment) as t, d, e from orders")
    assert row["v"] == dt.timedelta(days=2, seconds=4)
    assert (row["t"], row["d"], row["e"]) == ("TIMESTAMP WITH TIME ZONE", Decimal("1.50"), "x")


VALUES: Sequence[tuple[Any, str]] = [
    (7, "INTEGER"),
    (1.5, "DOUBLE"),
    (True, "BOOLEAN"),
    ("it's; drop table x --", "VARCHAR"),
    (dt.date(2026, 10, 1), "DATE"),
    (dt.datetime(2026, 10, 1, tzinfo=dt.UTC), "TIMESTAMP WITH TIME ZONE"),
    (["a", "b"], "VARCHAR[]"),
    (None, '"NULL"'),
]


@pytest.mark.parametrize(("value", "kind"), VALUES, ids=lambda one: str(one)[:20])
def test_values_are_bound(folder: Path, value: Any, kind: str) -> None:
    [row] = rows(query(folder), "select :x as x, typeof(:x) as kind", x=value)
    assert (row["x"], row["kind"]) == (value, kind)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select 1 as a, 2 as A", "more than one column 'a'"),
        ("select 1::bit as b", "cast it, as by b::VARCHAR"),
        ("select [interval '1 day'] as l", "no INTERVAL"),
        ("select {'a': [union_value(k := 1)]} as s", "no UNION"),
        ("select interval '1 month' as i", "no fixed length"),
        ("select date 'infinity' as d", "infinite or not of the years"),
        ("select timestamp '20000-01-01' as d", "infinite or not of the years"),
        ("select range as a from range(1001)", "more than 1,000 rows"),
    ],
)
def test_what_a_file_cannot_have_is_refused_with_the_remedy(folder: Path, sql: str, reason: str) -> None:
    with pytest.raises(PermanentError) as refused:
        rows(query(folder), sql)
    assert reason in str(refused.value)
    assert not list((folder.parent / "results").glob("*"))


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("selec 1", (1, 1)),
        ("select 1 as a,\n  nope", (2, 3)),
        ("select 1 as a\nfrom nope\nwhere a = :x", (2, 6)),
        ("select :x as x,\n 'a'::int as b", (2, 5)),
        ("select 1 as a, 'äöü 日本' as größe,\n  'ß' as b, nope", (2, 13)),
        ("\n-- of all\n\tselect :x as x, nope;\n", (3, 18)),
        (f"select {'1 + ' * 100}nope as a", (1, 408)),
        ("select 'é' as a, case when range = 5000 then 'x'::int end as b\nfrom range(9000)", (1, 49)),
        ("select a from (select 1 as a) group by", (1, 37)),
    ],
)
def test_an_error_has_its_place(folder: Path, sql: str, place: tuple[int, int]) -> None:
    with pytest.raises(SqlError) as wrong:
        rows(query(folder), sql, x=1)
    assert wrong.value.place == place
    assert f"in line {place[0]} of the SQL, column {place[1]}." in str(wrong.value)
    assert "{" not in str(wrong.value)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select * from pg_indexx", "Table with name pg_indexx does not exist!"),
        ("select * from tables", "Table with name tables does not exist!"),
        ("select * from duckdb_tabls()", "Table Function with name duckdb_tabls does not exist!"),
        ("select upperr('a') as a", 'Did you mean "upper"?'),
        ("select 1 + 'a'::blob as a", "You might need to add explicit type casts."),
    ],
)
def test_a_guess_names_nothing_of_the_catalog(folder: Path, sql: str, says: str) -> None:
    with pytest.raises(SqlError) as wrong:
        rows(query(folder), sql)
    assert wrong.value.sentence.endswith(says)


def test_a_table_that_is_not_there_is_told_with_those_that_are(folder: Path) -> None:
    rows(query(folder), "select 1 as a")
    results = {"orders": Result("orders", folder.parent / "results" / "step.parquet", 1)}
    with pytest.raises(SqlError, match=r"name tables does not exist! There are: orders\. It is in line 1 "):
        query(folder, results=results).values("select * from tables", 1)
    with pytest.raises(SqlError, match=r'Did you mean "orders"\? It is in line 1 of the SQL, column 15'):
        query(folder, results=results).values("select * from order_", 1)


def test_an_error_in_the_middle_of_the_rows_leaves_no_file(folder: Path) -> None:
    with pytest.raises(PermanentError, match="boo"):
        rows(
            query(folder, max_rows=10**6),
            "select case when range = 90000 then error('boo') else range end as x from range(100000)",
        )
    assert not list((folder.parent / "results").iterdir())


def test_a_statement_that_takes_too_long_is_stopped(folder: Path) -> None:
    endless = (
        "select count(*) as n from range(1000000000000) a, range(1000000) b where a.range % 7 = b.range % 5"
    )
    with pytest.raises(PermanentError, match=r"longer than 0\.5 s"):
        rows(query(folder, seconds=0.5), endless)


def test_what_needs_too_much_memory_says_what_to_raise(folder: Path) -> None:
    small = DuckDbLimits.model_validate({"memory": "32MiB", "temp": "1MiB"})
    with pytest.raises(PermanentError, match="raise memory or temp of the source"):
        rows(query(folder, limits=small), "select list(range) as l from range(100000000)")


def test_choices_are_rows(folder: Path) -> None:
    found = query(folder).values("select carrier, flights from read_csv('flights.csv.gz') order by 1", 1)
    assert found == [("AA", 1)]


def test_nothing_of_the_environment_is_changed(folder: Path) -> None:
    before = dict(os.environ)
    rows(query(folder), "select 1 as a")
    assert dict(os.environ) == before
