"""What stands below a column, over all rows of a result or of each group: computed by DuckDB."""

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import types

from report_worker.files.normal import normal, python_values
from report_worker.files.reading import Source
from waybill.definitions import Total
from waybill.errors import PermanentError

_MEMORY = "512MB"


def connect() -> duckdb.DuckDBPyConnection:
    """A database in memory that reads what is registered with it and nothing else."""
    database = duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": _MEMORY,
            "temp_directory": "",
            "python_enable_replacements": False,
        }
    )
    database.execute("SET enable_external_access = false")
    return database


def check_total(source: Source, place: int, total: Total) -> None:
    """Raises `PermanentError` where the column's type has no such total."""
    kind = source.types[place]
    number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    summed = number or types.is_boolean(kind) or types.is_duration(kind)
    if total in (Total.SUM, Total.MEAN) and not summed:
        given = source.schema.types[place]
        raise PermanentError(
            f"{source.names[place]}: total: {total.value} is of numbers, and the column of step {source.name}"
            f" has {given}; choose count, min or max."
        )


def totals(source: Source, wanted: Sequence[tuple[int, Total]]) -> list[Any]:
    """One value for each; null is left out, and so are NaN and infinity. Reads the result once."""
    return _query(source, wanted, None)[0] if wanted else []


def group_totals(
    source: Source, wanted: Sequence[tuple[int, Total]], starts: Sequence[int], end: int
) -> list[list[Any]]:
    """The same of groups of rows: each begins at its start, counted from 0, and ends where the next begins,
    the last at `end`."""
    if not wanted:
        return [[] for _ in starts]
    return _query(source, wanted, (starts, end))


def _query(
    source: Source, wanted: Sequence[tuple[int, Total]], groups: tuple[Sequence[int], int] | None
) -> list[list[Any]]:
    for place, total in wanted:
        check_total(source, place, total)
    try:
        return _aggregated(source, wanted, groups, exact=True)
    except (duckdb.OutOfRangeException, duckdb.ConversionException):
        return _aggregated(source, wanted, groups, exact=False)  # more than 38 digits


def _aggregated(
    source: Source,
    wanted: Sequence[tuple[int, Total]],
    groups: tuple[Sequence[int], int] | None,
    *,
    exact: bool,
) -> list[list[Any]]:
    columns = sorted({place for place, _ in wanted})
    aggregates = [_aggregate(place, total, source.types[place], exact) for place, total in wanted]
    with connect() as database:
        if groups is None:
            database.register("rows", source.reader(columns))
            answer = database.sql(f"SELECT {', '.join(aggregates)} FROM rows")  # noqa: S608
        else:
            database.register("rows", _numbered(source, columns, *groups))
            answer = database.sql(
                f"SELECT {', '.join(aggregates)} FROM rows GROUP BY part ORDER BY part"  # noqa: S608
            )
        table = answer.to_arrow_table()
    values = [
        [value for chunk in one.chunks for value in python_values(normal(chunk))] for one in table.columns
    ]
    return [list(row) for row in zip(*values, strict=True)]


def _aggregate(place: int, total: Total, kind: pa.DataType, exact: bool) -> str:
    """SQL over the columns of our own names: no name of the data's is in it."""
    value = f"CASE WHEN isfinite(c{place}) THEN c{place} END" if types.is_floating(kind) else f"c{place}"
    if types.is_boolean(kind) and total in (Total.SUM, Total.MEAN):
        value = f"c{place}::INTEGER"
    if types.is_duration(kind) and total is not Total.COUNT:
        value = f"epoch(c{place})"
    match total:
        case Total.SUM if not exact:
            return f"sum({value}::DOUBLE)"
        case Total.SUM if types.is_integer(kind) or types.is_boolean(kind):
            return f"sum({value})::DECIMAL(38, 0)"
        case Total.MEAN:
            return f"avg({value})"
        case _:
            return f"{total.value}({value})"


def _numbered(
    source: Source, columns: Sequence[int], starts: Sequence[int], end: int
) -> pa.RecordBatchReader:
    """The rows up to `end`, with the number of their group in `part`."""
    schema = pa.schema(
        [*(pa.field(f"c{place}", source.types[place]) for place in columns), pa.field("part", pa.int64())]
    )
    edges = np.asarray(starts)

    def number() -> Any:
        before = 0
        for batch in source.batches(columns):
            batch = batch.slice(0, end - before)
            if not batch.num_rows:
                return
            part = np.searchsorted(edges, np.arange(before, before + batch.num_rows), side="right") - 1
            yield pa.RecordBatch.from_arrays([*batch.columns, pa.array(part)], schema=schema)
            before += batch.num_rows

    return pa.RecordBatchReader.from_batches(schema, number())
