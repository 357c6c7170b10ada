"""A step's SELECT in DuckDB: over the files of a source, or the results of the steps before.

DuckDB is in memory, and sees two places alone: the folder of the source and the results. It can load no
extension, reach no network, and no statement can change its settings.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, chdir, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection, DuckDBPyRelation, Statement, StatementType

from report_worker.files import Result
from report_worker.query.deadline import Deadline
from report_worker.query.duck_errors import EXPLAIN, SETTING, failure
from report_worker.query.duck_types import adapted, as_read, check_types, quote, stored_schema
from report_worker.query.results import check_names, result_writer
from report_worker.query.sources import DuckDbLimits
from waybill.definitions import Bound, for_duckdb, without_end
from waybill.errors import PermanentError

_BATCH_ROWS = 10_000
_CONFIG: Mapping[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "preserve_insertion_order": True,
}


@dataclass(frozen=True)
class DuckDbQuery:
    """`scratch`: a directory for what does not fit into memory, and nothing else. `folder`: whose files can
    be read, by names that are relative to it; without one there are none. `results` are tables."""

    limits: DuckDbLimits
    scratch: Path
    timeout: timedelta
    max_rows: int
    folder: Path | None = None
    results: Mapping[str, Result] = field(default_factory=dict)

    def run(self, statement: str, values: Mapping[str, Any], target: Path) -> int:
        """Writes the rows to the file `target`, and returns how many. Raises `PermanentError`."""
        with self._reading(statement, values) as rows, result_writer(target, self.max_rows) as start:
            writer = start(stored_schema(rows.schema))
            for batch in rows:
                writer.write(adapted(batch, writer.schema))
            return writer.rows

    def values(self, statement: str, limit: int) -> list[tuple[Any, ...]]:
        """The first rows as they are. Raises as `run`."""
        found: list[tuple[Any, ...]] = []
        with self._reading(statement, {}) as rows:
            for batch in rows:
                found += zip(*(column.to_pylist() for column in batch.columns), strict=True)
                if len(found) >= limit:
                    break
        return found[:limit]

    @contextmanager
    def _reading(self, statement: str, values: Mapping[str, Any]) -> Iterator[pa.RecordBatchReader]:
        bound, deadline = for_duckdb(statement), Deadline(self.timeout)
        failing = partial(_failing, deadline, bound, tuple(self.results))
        with self._connected() as connection, failing(), deadline.stopping(connection.interrupt):
            select = only_select(connection, bound.sql)
            found = _selected(connection, select, {name: values[name] for name in bound.names}, failing)
            check_names(found.columns)
            check_types(found.columns, found.types)
            yield found.to_arrow_reader(_BATCH_ROWS)

    @contextmanager
    def _connected(self) -> Iterator[DuckDBPyConnection]:
        self.scratch.mkdir(parents=True, exist_ok=True)
        folder = self._readable_folder()
        # Relative names are looked up from there; the process has one working directory.
        with duckdb.connect(":memory:", config=dict(_CONFIG)) as connection, chdir(folder or self.scratch):
            self._limit(connection)
            for result in self.results.values():
                connection.execute(_view(result))
            _lock(connection, [one for one in (folder, *self._result_folders()) if one])
            yield connection

    def _readable_folder(self) -> Path | None:
        if self.folder is None:
            return None
        folder = self.folder.resolve()
        if not folder.is_dir():
            raise PermanentError(f"The folder {self.folder} of the source is not there.")
        return folder

    def _result_folders(self) -> set[Path]:
        return {one.path.parent.resolve() for one in self.results.values()}

    def _limit(self, connection: DuckDBPyConnection) -> None:
        settings = {
            "memory_limit": f"{self.limits.memory // 2**20}MiB",
            "threads": self.limits.threads,
            "temp_directory": str(self.scratch),
            "max_temp_directory_size": f"{self.limits.temp // 2**20}MiB",
            "TimeZone": "UTC",
            SETTING: True,
        }
        for name, value in settings.items():
            connection.execute(f"SET {name} = {_text(str(value))}")


def only_select(connection: DuckDBPyConnection, sql: str) -> Statement:
    """The only statement that there is. Raises `PermanentError` where it is another, or not the only one, and
    DuckDB's error where it is none."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise PermanentError(f"A step has one SELECT; this has {len(statements)} statements.")
    kind = statements[0].type
    if kind is StatementType.MULTI:
        raise PermanentError("A PIVOT needs its values: write ON column IN (…).")
    if kind is not StatementType.SELECT:
        raise PermanentError(f"A step only reads: it has one SELECT, and no {kind.name}.")
    return statements[0]


def _selected(
    connection: DuckDBPyConnection,
    select: Statement,
    values: dict[str, Any],
    failing: Callable[..., AbstractContextManager[None]],
) -> DuckDBPyRelation:
    """Rows that come while they are read. Raises what `failing` makes of an error, with its place.

    A SELECT may begin with a WITH that writes a file (COPY); but only where it is no part of another one. So
    it is tried as that first, which runs nothing.
    """
    try:
        inner = without_end(select.query, "duckdb")
        connection.sql(f"SELECT * FROM (\n{inner}\n)", params=values)  # noqa: S608 - one statement
        return connection.sql(select, params=values)
    except duckdb.Error:
        with failing(explained=True):  # it fails in the same way, and says where
            connection.execute(f"{EXPLAIN}{select.query}", values)
        raise


def _view(result: Result) -> str:
    schema = pq.read_schema(result.path)
    replaced = [text for one in schema if (text := as_read(one.name, one.type))]
    columns = f"* REPLACE ({', '.join(replaced)})" if replaced else "*"
    file = _text(str(result.path))
    return f"CREATE VIEW {quote(result.name)} AS SELECT {columns} FROM read_parquet({file})"  # noqa: S608 - quoted


def _lock(connection: DuckDBPyConnection, folders: list[Path]) -> None:
    """From here on files are read below these folders alone, also where a link leads elsewhere."""
    allowed = ", ".join(_text(f"{folder}/") for folder in folders)
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@contextmanager
def _failing(
    deadline: Deadline, bound: Bound, tables: Sequence[str], *, explained: bool = False
) -> Iterator[None]:
    """An error in the middle of the rows comes as Arrow's OSError with DuckDB's text."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        raise failure(str(error), deadline, bound, tables, explained=explained) from None
