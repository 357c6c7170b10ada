"""DuckDB's types in files: those that Parquet or Arrow lack become others, or are refused."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from waybill.errors import PermanentError

_NESTED = ("list", "array", "map", "struct")
_LOST = frozenset({"variant", "bit", "bignum", "union", "time with time zone", "geometry"})
"""Whose meaning is not in what Arrow gets."""
_DURATION = pa.duration("us")
_PER_DAY = 86_400_000_000


def check_types(names: Iterable[str], types: Iterable[DuckDBPyType]) -> None:
    """Raises `PermanentError` for a column that a file cannot have as it is."""
    for name, one in zip(names, types, strict=True):
        if lost := _lost(one, nested=False):
            raise PermanentError(
                f"The column {name!r} has the type {one}, and a file has no {lost.upper()}: cast it, as by"
                f" {name}::VARCHAR."
            )


def _lost(one: DuckDBPyType, *, nested: bool) -> str | None:
    found = str(one.id)
    if found in _LOST or (nested and found == "interval"):
        return found
    if found in _NESTED:
        parts = (part for _, part in one.children if isinstance(part, DuckDBPyType))
        return next((lost for part in parts if (lost := _lost(part, nested=True))), None)
    return None


def stored_schema(schema: pa.Schema) -> pa.Schema:
    """What is written of batches with this schema: an interval as a duration, NULL alone and an enum as
    text."""
    return pa.schema([(field.name, _stored(field.type)) for field in schema])


def _stored(one: pa.DataType) -> pa.DataType:
    if pa.types.is_interval(one):
        return _DURATION
    if pa.types.is_null(one):
        return pa.string()
    return one.value_type if pa.types.is_dictionary(one) else one


def adapted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Raises `PermanentError` for an interval of months, which have no fixed length."""
    columns = [
        _durations(field.name, column) if pa.types.is_interval(column.type) else column.cast(field.type)
        for field, column in zip(schema, batch.columns, strict=True)
    ]
    return pa.record_batch(columns, schema=schema)


def _durations(name: str, column: pa.Array) -> pa.Array:
    return pa.array([_microseconds(name, one) for one in column.to_pylist()], _DURATION)


def _microseconds(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if value.months:
        raise PermanentError(
            f"The column {name!r} has an interval of months or years, which have no fixed length: use"
            f" epoch({name}), or {name}::VARCHAR."
        )
    return int(value.days) * _PER_DAY + int(value.nanoseconds) // 1000


def as_read(name: str, one: pa.DataType) -> str | None:
    """The SQL that makes a column of a result's file what it was; None where it is read as that."""
    quoted = quote(name)
    return f"to_microseconds({quoted}) AS {quoted}" if pa.types.is_duration(one) else None


def quote(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'
