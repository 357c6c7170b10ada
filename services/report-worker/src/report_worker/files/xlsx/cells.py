"""Values as cells have them: numbers, dates as Excel counts them, and texts that stay texts."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from report_worker.files.data_text import as_text
from report_worker.files.formats import Style
from report_worker.files.normal import python_values
from report_worker.files.words import clean
from waybill.definitions import Format

Cell = int | float | bool | str | None

_DIGITS = 15
"""Of a number that Excel keeps; what has more is a text, with all of them."""
_MAX_WHOLE = 10**_DIGITS
_EPOCH = 25_569
"""1970-01-01, counted in days as Excel does."""
_FIRST, _END = 61, 2_958_466
"""1900-03-01, before which Excel counts a day that never was, and the day after 9999-12-31."""
_DAY_US = 86_400_000_000
_DAY_SECONDS = 86_400
MAX_TEXT = 32_767


def text_cell(words: str) -> str:
    """As a cell may have it: without control characters, and never taken by XlsxWriter for its own XML, which
    it does with `<r>…</r>`."""
    words = clean(words)
    if len(words) > MAX_TEXT // 2:
        words = words.encode("utf-16-le")[: 2 * MAX_TEXT].decode("utf-16-le", errors="ignore")
    if words.startswith("<r>") and words.endswith("</r>"):
        return words[: MAX_TEXT - 1] + " "
    return words


def cells_of(column: pa.Array, style: Style) -> list[Any]:
    """One for each value; None where there is nothing to write."""
    return _converter(column.type, style)(column)


def _converter(kind: pa.DataType, style: Style) -> Callable[[pa.Array], list[Any]]:
    if types.is_date(kind):
        return _days
    if types.is_timestamp(kind):
        return _moments
    if types.is_time(kind):
        return _clocks
    if types.is_duration(kind):
        return _durations
    if types.is_boolean(kind):
        return list_of
    if style.format is Format.DURATION:
        return _seconds
    for test, convert in _NUMBERS:
        if test(kind):
            return convert
    return _texts


def list_of(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values


def _floats(column: pa.Array) -> list[Any]:
    if pc.all(pc.is_finite(column)).as_py() is not False:
        return list_of(column)
    finite = pc.if_else(pc.is_finite(column), column, pa.scalar(None, pa.float64()))
    return _else_text(finite, column)


def _whole(column: pa.Array) -> list[Any]:
    column = column.cast(pa.int64()) if not types.is_uint64(column.type) else column
    extremes = pc.min_max(column).as_py()
    if (extremes["max"] or 0) < _MAX_WHOLE and (extremes["min"] or 0) > -_MAX_WHOLE:
        return list_of(column)
    return [str(one) if one is not None and abs(one) >= _MAX_WHOLE else one for one in column.to_pylist()]


def _decimals(column: pa.Array) -> list[Any]:
    return [one if one is None else _decimal(one) for one in column.to_pylist()]


def _decimal(value: Decimal) -> Cell:
    return float(value) if len(value.normalize().as_tuple().digits) <= _DIGITS else f"{value:f}"


def _days(column: pa.Array) -> list[Any]:
    return _between(pc.add(column.cast(pa.int32()), _EPOCH), column)


def _moments(column: pa.Array) -> list[Any]:
    local = pc.local_timestamp(column) if column.type.tz else column
    micros = local.cast(pa.int64()).cast(pa.float64(), safe=False)
    return _between(pc.add(pc.divide(micros, float(_DAY_US)), float(_EPOCH)), local)


def _between(numbers: pa.Array, column: pa.Array) -> list[Any]:
    fits = pc.and_(pc.greater_equal(numbers, _FIRST), pc.less(numbers, _END))
    if pc.all(fits).as_py() is not False:
        return list_of(numbers)
    return _else_text(pc.if_else(fits, numbers, pa.scalar(None, numbers.type)), column)


def _clocks(column: pa.Array) -> list[Any]:
    return list_of(pc.divide(column.cast(pa.int64()).cast(pa.float64()), float(_DAY_US)))


def _durations(column: pa.Array) -> list[Any]:
    return _lengths(pc.divide(column.cast(pa.int64()).cast(pa.float64(), safe=False), float(_DAY_US)))


def _seconds(column: pa.Array) -> list[Any]:
    if not (types.is_integer(column.type) or types.is_floating(column.type) or types.is_decimal(column.type)):
        return _texts(column)
    return _lengths(pc.divide(column.cast(pa.float64(), safe=False), float(_DAY_SECONDS)))


def _lengths(days: pa.Array) -> list[Any]:
    """Excel shows no length of time below zero: such a one is a text."""
    return [one if one is None or one >= 0 else _below_zero(one) for one in days.to_pylist()]


def _below_zero(days: float) -> str:
    seconds = round(-days * _DAY_SECONDS)
    return f"-{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _texts(column: pa.Array) -> list[Any]:
    return [None if one is None else text_cell(str(one)) for one in python_values(column)]


def _else_text(numbers: pa.Array, column: pa.Array) -> list[Any]:
    """The numbers, and where there is none, the value as text."""
    written: Sequence[Any] = as_text(column).to_pylist()
    return [
        words if number is None else number
        for number, words in zip(numbers.to_pylist(), written, strict=True)
    ]


_NUMBERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], list[Any]]], ...] = (
    (types.is_integer, _whole),
    (types.is_floating, _floats),
    (types.is_decimal, _decimals),
)
