"""Columns as text for programs: ISO 8601 dates, plain numbers. By Arrow's functions on whole columns."""

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

TEXT = pa.large_string()


def is_text(kind: pa.DataType) -> bool:
    """Of a normal type: whether its values are texts, and no numbers, dates or the like."""
    return bool(types.is_large_string(kind))


def is_bare(kind: pa.DataType) -> bool:
    """Whether JSON writes its values without quotes."""
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    return bool(numbers or types.is_boolean(kind) or types.is_duration(kind))


def as_text(column: pa.Array) -> pa.Array:
    """Of a column of a normal type. Times with a zone are in UTC, `2026-07-01T12:00:00Z`; durations are in
    seconds."""
    kind = column.type
    if types.is_timestamp(kind):
        return _moments(column)
    if types.is_time(kind):
        return _short(column.cast(TEXT))
    if types.is_duration(kind):
        return _seconds(column)
    if types.is_floating(kind):
        return _floats(column)
    if types.is_decimal(kind):
        return _decimals(column)
    return column.cast(TEXT)


def _moments(column: pa.Array) -> pa.Array:
    zone = column.type.tz
    written = column.cast(pa.timestamp("us")).cast(TEXT)
    written = _short(pc.replace_substring(written, " ", "T", max_replacements=1))
    return joined(written, "Z") if zone else written


def _short(written: pa.Array) -> pa.Array:
    """Without the zeros of a fraction."""
    return pc.replace_substring_regex(written, r"\.0+$|(\.\d*?[1-9])0+$", r"\1")


def _seconds(column: pa.Array) -> pa.Array:
    micros = column.cast(pa.int64())
    exact = pc.multiply(micros.cast(pa.decimal128(19, 0)), pa.scalar(1, pa.decimal128(1, 0)))
    return _short(
        pc.divide(exact.cast(pa.decimal128(25, 6)), pa.scalar(1_000_000, pa.decimal128(7, 0))).cast(TEXT)
    )


def _floats(column: pa.Array) -> pa.Array:
    written = column.cast(TEXT)
    if pc.all(pc.is_finite(column)).as_py() is not False:
        return written
    named = pc.if_else(pc.is_nan(column), "NaN", pc.if_else(pc.greater(column, 0.0), "Infinity", "-Infinity"))
    return pc.if_else(pc.is_finite(column), written, named.cast(TEXT))


def _decimals(column: pa.Array) -> pa.Array:
    """With all of its digits, never with an exponent."""
    written = column.cast(TEXT)
    if not pc.any(pc.match_substring(written, "E")).as_py():
        return written
    return pa.array([None if one is None else f"{one:f}" for one in column.to_pylist()], TEXT)


def joined(*parts: pa.Array | str) -> pa.Array:
    """The texts side by side; null where one of them is."""
    return pc.binary_join_element_wise(*map(_part, parts), _part(""))


def _part(one: pa.Array | str) -> pa.Array | pa.Scalar:
    return pa.scalar(one, TEXT) if isinstance(one, str) else one


def content(lines: pa.Array) -> memoryview:
    """The bytes of all the texts, one after the other, without a copy."""
    _, offsets, data = lines.buffers()
    if data is None:
        return memoryview(b"")
    ends = memoryview(offsets).cast("q")
    return memoryview(data)[ends[lines.offset] : ends[lines.offset + len(lines)]]
