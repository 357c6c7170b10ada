"""Reports that wait: a few requested as clients do, the others copied from the last of these, row by row.

A million requests would take an hour. What is copied is whatever the API has written for one report, so it is
right however that changes: the rows of all tables that hold the report's id, and what has been in the outbox.
"""

import shutil
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from tests.bench import clients
from tests.bench.errors import CannotMeasure
from tests.bench.rig import API, WORKER, Rig

_REQUESTED = 40
"""Enough that the last of them is one of a backlog, and not one that is sent out at once."""
_LOOK_SECONDS = 0.5
_QUIET_SECONDS = 3.0
_PUBLISHED_SECONDS = 300.0
_PUBLISHED_IN_A_SECOND = 500
"""At least, or something is wrong."""

_KEEP_MESSAGES = """
CREATE TABLE bench_publications (LIKE publications);
CREATE FUNCTION bench_keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO bench_publications SELECT NEW.*; RETURN NEW; END $$;
CREATE TRIGGER bench_keep AFTER INSERT ON publications FOR EACH ROW EXECUTE FUNCTION bench_keep()
"""
"""With the rights of its maker: the API's role has none on a table of the benchmark."""
_FORGET_MESSAGES = "DROP FUNCTION bench_keep CASCADE; DROP TABLE bench_publications"
_LAST = """
SELECT id::text, split_part(traceparent, '-', 2) FROM reports ORDER BY created_at DESC, id DESC LIMIT 1
"""
_NAMES = """
CREATE TEMPORARY TABLE bench_names AS
SELECT left(%(id)s, 15) || substr(gen_random_uuid()::text, 16) AS id, md5(random()::text) AS trace
FROM generate_series(1, %(number)s)
"""
"""UUIDs of version 7, of the template's time."""
_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated = ''
ORDER BY attnum
"""
_BELONGING = """
SELECT conrelid::regclass::text, attname FROM pg_constraint
JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
WHERE contype = 'f' AND confrelid = 'reports'::regclass
"""
"""The tables whose rows belong to a report, and the column that says to which."""
_WITH_NAMES = ("uuid", "text", "jsonb", "bytea")


def fill(rig: Rig, body: Mapping[str, Any], number: int, *, messages: bool = True) -> None:
    """Lets `number` reports wait, with the API running and no worker, until no message is sent any more.
    Without `messages` nothing of the copies is sent: they are in the database alone, and have no command."""
    rig.run(_KEEP_MESSAGES)
    try:
        clients.request(rig.api_url, body, min(number, _REQUESTED))
        with psycopg.connect(rig.database_url) as connection:
            copy_last(connection, number - min(number, _REQUESTED), messages=messages)
    finally:
        rig.run(_FORGET_MESSAGES)
    wait_until_published(rig, max(_PUBLISHED_SECONDS, number / _PUBLISHED_IN_A_SECOND))


def copy_last(connection: psycopg.Connection[Any], number: int, *, messages: bool = True) -> None:
    """Of the report that was requested last; with what it has to publish, which `bench_publications` has."""
    row = connection.execute(_LAST).fetchone()
    if row is None or number <= 0:
        return
    template, trace = row
    connection.execute(_NAMES, {"id": template, "number": number})
    belonging = connection.execute(_BELONGING).fetchall()
    for table, key in (("reports", "id"), *belonging):
        _copy(connection, table, table, f"{key}::text", template, trace)
    if messages:
        _copy(connection, "bench_publications", "publications", "report_id::text", template, trace)


def _copy(
    connection: psycopg.Connection[Any], source: str, target: str, key: str, template: str, trace: str
) -> None:
    """Each row of the template once for each name, with the name wherever its id stood."""
    columns = connection.execute(_COLUMNS, (target,)).fetchall()
    values = [_value(name, kind) for name, kind in columns]
    statement = sql.SQL(
        "INSERT INTO {target} ({columns}) SELECT {values} FROM {source} source, bench_names name"
        " WHERE source.{key} = %(id)s ORDER BY name.id"
    ).format(
        target=sql.Identifier(target),
        columns=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        values=sql.SQL(", ").join(values),
        source=sql.Identifier(source),
        key=sql.SQL(key),
    )
    connection.execute(statement, {"id": template, "trace": trace or "no trace"})


def _value(name: str, kind: str) -> sql.Composable:
    column = sql.SQL("source.{}").format(sql.Identifier(name))
    if kind not in _WITH_NAMES:
        return column
    return sql.SQL("replace(replace({column}::text, %(id)s, name.id), %(trace)s, name.trace)::{kind}").format(
        column=column, kind=sql.SQL(kind)
    )


def wait_until_published(rig: Rig, seconds: float = _PUBLISHED_SECONDS) -> None:
    """Until the outbox is empty, or nothing leaves it any more: what is not sent out waits for the worker."""
    deadline, quiet_until, before = time.monotonic() + seconds, 0.0, -1
    while time.monotonic() < deadline:
        ((left,),) = rig.rows("SELECT (SELECT count(*) FROM publications) + (SELECT count(*) FROM outbox)")
        if left == 0:
            return
        if left != before:
            before, quiet_until = left, time.monotonic() + _QUIET_SECONDS
        elif time.monotonic() > quiet_until:
            return
        time.sleep(_LOOK_SECONDS)
    raise CannotMeasure(f"the outbox still has messages after {seconds:g} s")


def empty(rig: Rig) -> None:
    """Without API and worker, which do not run afterwards: no report, and no file of any."""
    stop(rig, WORKER, API)
    rig.run("TRUNCATE reports, publications, outbox, dead_letters CASCADE")
    for entry in rig.artefacts.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def stop(rig: Rig, *names: str) -> None:
    """Those that run."""
    for name in names:
        try:
            rig.stack.wait_exit(name, 0)
        except TimeoutError:
            rig.stack.stop_part(name)
