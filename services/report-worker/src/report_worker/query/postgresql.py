"""A step's SELECT on PostgreSQL, in a transaction that cannot write, read in parts."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import Connection, RawCursor, errors

from report_worker.query.deadline import Deadline
from report_worker.query.postgresql_errors import failure, unreachable
from report_worker.query.postgresql_types import ResultColumn, columns_of, prepare_types
from report_worker.query.results import ResultWriter, check_names, result_writer
from waybill.database_url import WrongDatabaseUrl, connection_options
from waybill.definitions import Bound, for_postgresql
from waybill.errors import PermanentError

_DECLARE = "DECLARE waybill_step NO SCROLL CURSOR WITHOUT HOLD FOR "
_FETCH = "FETCH FORWARD {} FROM waybill_step"
_FIRST_ROWS, _MAX_ROWS = 500, 10_000
_BATCH_BYTES = 8 * 2**20
_IDLE = timedelta(minutes=1)
"""After which the server ends the session of a process that stands still between two parts."""

_SETTINGS: Mapping[str, str] = {
    "default_transaction_read_only": "on",
    "idle_in_transaction_session_timeout": f"{int(_IDLE.total_seconds() * 1000)}",
    "client_connection_check_interval": "2000",
    "cursor_tuple_fraction": "1",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}
"""Of the transaction alone, so that a pooler's next client has its own. With the third, the statement of a
process that is gone ends within seconds; with the fourth it is planned for all of its rows."""
_SET = "SELECT set_config(name, $2::json->>name, true) FROM pg_settings WHERE name = ANY($1)"
"""A version that lacks one goes without it."""

_MAY_WRITE = """
    SELECT rolname, rolsuper FROM pg_roles
    WHERE (rolsuper OR rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program'))
      AND pg_has_role(session_user, oid, 'MEMBER')
    ORDER BY rolsuper DESC, rolname LIMIT 1
"""
_GRANTED = """
    WITH role AS (
        SELECT oid, rolcreaterole, rolcreatedb FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')
    ), space AS (
        SELECT oid, nspname FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
    )
    SELECT 'make roles' FROM role WHERE rolcreaterole
    UNION ALL SELECT 'make databases' FROM role WHERE rolcreatedb
    UNION ALL SELECT 'create schemas in the database ' || current_database() FROM role
        WHERE has_database_privilege(oid, current_database(), 'CREATE')
    UNION ALL SELECT 'create tables in the schema ' || nspname FROM role, space
        WHERE has_schema_privilege(role.oid, space.oid, 'CREATE')
            AND NOT has_schema_privilege('public', space.oid, 'CREATE')
    UNION ALL SELECT 'write to ' || relation.oid::regclass
        FROM role, pg_class AS relation JOIN space ON space.oid = relation.relnamespace
        WHERE relation.relkind IN ('r', 'p', 'v', 'f') AND has_schema_privilege(role.oid, space.oid, 'USAGE')
            AND (has_table_privilege(role.oid, relation.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                OR has_any_column_privilege(role.oid, relation.oid, 'INSERT, UPDATE'))
    LIMIT 1
"""
"""What the role may do, or one that it is a member of, also where it does not inherit. Until PostgreSQL 14
everyone may create tables in the schema public: that is left out."""
_ADVICE = (
    "Give the source a role of its own that reads: CREATE ROLE reporting LOGIN; GRANT USAGE ON SCHEMA … TO"
    " reporting; GRANT SELECT ON … TO reporting; nothing else."
)


@dataclass(frozen=True)
class PostgresqlQuery:
    """`address`: the database's URL. `application`: the name that its server shows for the session."""

    address: str
    application: str
    timeout: timedelta
    max_rows: int

    def run(self, statement: str, values: Mapping[str, Any], target: Path) -> int:
        """Writes the rows to the file `target`, and returns how many. Raises `RetryableError` where it may go
        well later, and `PermanentError`."""
        with self._declared(statement, values) as cursor, result_writer(target, self.max_rows) as start:
            columns = cursor.columns
            check_names([one.name for one in columns])
            count, writer = _FIRST_ROWS, None
            while True:
                rows = cursor.fetch(count)
                batch = _batch(columns, rows)
                writer = _fitting(writer, batch.schema) if writer else start(batch.schema)
                writer.write(batch)
                if len(rows) < count:
                    return writer.rows
                count = max(1, min(_MAX_ROWS, _BATCH_BYTES * len(rows) // (batch.nbytes or 1)))

    def values(self, statement: str, limit: int) -> list[tuple[Any, ...]]:
        """The first rows as they are. Raises as `run`."""
        with self._declared(statement, {}) as cursor:
            return cursor.fetch(limit)

    @contextmanager
    def _declared(self, statement: str, values: Mapping[str, Any]) -> Iterator["_Cursor"]:
        bound, deadline = for_postgresql(statement), Deadline(self.timeout)
        with (
            closing(self._connect()) as connection,
            _failing(bound, deadline),
            deadline.stopping(connection.cancel_safe),
        ):
            self._prepare(connection)
            # In binary format, since only then the server takes one statement at most.
            connection.execute(_DECLARE + bound.sql, [values[name] for name in bound.names], binary=True)
            yield _Cursor(connection)

    def _connect(self) -> Connection[Any]:
        try:
            options = connection_options(self.address, writes=False)
        except WrongDatabaseUrl as error:
            raise PermanentError(f"The source's URL: {error}.") from None
        options["application_name"] = self.application
        try:
            connection = psycopg.connect(**options, prepare_threshold=None, cursor_factory=RawCursor)
        except psycopg.Error as error:
            raise unreachable(error) from None
        connection.read_only = True
        return connection

    def _prepare(self, connection: Connection[Any]) -> None:
        prepare_types(connection)
        if found := connection.execute(_MAY_WRITE).fetchone():
            name, is_superuser = found
            member = (
                f"is {name!r}, or a member of it, which is a superuser" if is_superuser else f"has {name}"
            )
            raise PermanentError(f"The source's role {member}, and may write past every guard. {_ADVICE}")
        if may := connection.execute(_GRANTED).fetchone():
            raise PermanentError(f"The source's role may {may[0]}. {_ADVICE}")
        milliseconds = max(1, int(self.timeout.total_seconds() * 1000))
        settings = {**_SETTINGS, "statement_timeout": str(milliseconds)}
        connection.execute(_SET, [list(settings), json.dumps(settings)])


class _Cursor:
    """The server's, which has not read a row yet."""

    def __init__(self, connection: Connection[Any]) -> None:
        described = connection.execute(_FETCH.format(0)).description
        self.columns = columns_of(connection, described or [])
        self._cursor = connection.cursor()

    def fetch(self, count: int) -> list[tuple[Any, ...]]:
        """The next rows; fewer than `count` are the last ones."""
        return self._cursor.execute(_FETCH.format(count)).fetchall()


def _batch(columns: list[ResultColumn], rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    values = zip(*rows, strict=True) if rows else ([()] * len(columns))
    arrays = [column.array(part) for column, part in zip(columns, values, strict=True)]
    return pa.record_batch(arrays, schema=pa.schema([(one.name, one.type) for one in columns]))


def _fitting(writer: ResultWriter, schema: pa.Schema) -> ResultWriter:
    if writer.schema != schema:
        writer.widen(schema)
    return writer


@contextmanager
def _failing(bound: Bound, deadline: Deadline) -> Iterator[None]:
    try:
        yield
    except errors.QueryCanceled as error:
        if deadline.is_over or "timeout" in str(error):
            raise PermanentError(deadline.sentence()) from None
        raise failure(error, bound, len(_DECLARE)) from None
    except psycopg.Error as error:
        raise failure(error, bound, len(_DECLARE)) from None
