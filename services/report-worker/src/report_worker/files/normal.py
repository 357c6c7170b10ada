"""Columns of Arrow in the few types that the files know; what else there is becomes text."""

import base64
import json
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

_INTERVAL = pa.binary(12)
"""How Parquet keeps an interval: months, days and milliseconds, each an unsigned number of 4 bytes."""
_MONTH_DAYS = 30


def normal_type(kind: pa.DataType) -> pa.DataType:
    """To what `normal` converts a column of that type."""
    if isinstance(kind, pa.BaseExtensionType):
        return normal_type(kind.storage_type) if not _is_uuid(kind) else pa.large_string()
    if types.is_dictionary(kind):
        return normal_type(kind.value_type)
    if types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    for test, chosen in _CONVERTED:
        if test(kind):
            return chosen
    known = types.is_integer(kind) or types.is_decimal(kind) or types.is_boolean(kind)
    return kind if known else pa.large_string()


_CONVERTED = (
    (types.is_floating, pa.float64()),
    (types.is_date, pa.date32()),
    (types.is_time, pa.time64("us")),
    (types.is_duration, pa.duration("us")),
    (lambda kind: kind == _INTERVAL, pa.duration("us")),
    (types.is_null, pa.large_string()),
)


def normal(column: pa.Array) -> pa.Array:
    """Integers, decimals and booleans as they are; floats of 64 bits; texts, dates; times and durations in
    microseconds; binary as base64, anything nested as JSON."""
    if isinstance(column.type, pa.BaseExtensionType):
        return _uuids(column) if _is_uuid(column.type) else normal(column.storage)
    if types.is_dictionary(column.type):
        return normal(column.dictionary_decode())
    wanted = normal_type(column.type)
    if column.type == wanted:
        return column
    if column.type == _INTERVAL:
        return _intervals(column)
    if not types.is_large_string(wanted) or _is_plain_text(column.type):
        return column.cast(wanted, safe=False)
    return pa.array([_as_text(one) for one in python_values(column)], wanted)


def _is_plain_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_string_view(kind) or types.is_null(kind))


def _is_uuid(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.BaseExtensionType) and kind.extension_name == "arrow.uuid"


def _uuids(column: pa.Array) -> pa.Array:
    values = [None if one is None else str(UUID(bytes=one)) for one in column.storage.to_pylist()]
    return pa.array(values, pa.large_string())


def _intervals(column: pa.Array) -> pa.Array:
    """As a length of time: a month is 30 days."""
    filled = pc.fill_null(column, bytes(12))
    numbers = np.frombuffer(b"".join(filled.to_pylist()), "<u4").reshape(-1, 3).astype("int64")
    days = numbers[:, 0] * _MONTH_DAYS + numbers[:, 1]
    lengths = (days * 86_400_000 + numbers[:, 2]) * 1000
    return pa.array(lengths, mask=pc.is_null(column).to_numpy(zero_copy_only=False)).cast(pa.duration("us"))


def python_values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """As Python's values; what Python has none for, such as a date in the year 12000, is text."""
    with suppress(OverflowError, ValueError):
        return list(column.to_pylist())
    return [_python_value(one) for one in column]


def _python_value(one: pa.Scalar) -> Any:
    try:
        return one.as_py()
    except (OverflowError, ValueError):
        return str(one.cast(pa.large_string()).as_py()).removesuffix(".000000").removesuffix(" 00:00:00")


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return json.dumps(_as_json(value), ensure_ascii=False, default=_leaf)


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _as_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(one) for one in value]
    if isinstance(value, float) and value - value != 0:
        return None  # JSON has neither NaN nor infinity
    return value


def _leaf(value: Any) -> Any:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)
