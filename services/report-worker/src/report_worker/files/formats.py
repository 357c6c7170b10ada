"""How values are written for people, and the same as number formats of a spreadsheet."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import types

from waybill.definitions import Format

NOTHING = "\N{EN DASH}"
"""Stands for null."""
MINUS = "\N{MINUS SIGN}"

_SYMBOLS = {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "$", "INR": "₹", "KRW": "₩"}
_DECIMALS = {
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "ISK": 0,
    "BHD": 3,
    "JOD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
}
_POWERS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_MOST_DIGITS = 38
"""Of a decimal whose type says nothing of its decimals: a `numeric` without a precision, or a sum."""
_LONGEST = 1e15
"""From this number on, a float is written with a power of ten."""


class Formatted(Protocol):
    """What a column, a figure or a chart says about its format."""

    @property
    def format(self) -> Format | None: ...
    @property
    def decimals(self) -> int | None: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def unit(self) -> str | None: ...


@dataclass(frozen=True)
class Style:
    """A format with all that was left open decided. `seconds`: whether times have them."""

    format: Format = Format.TEXT
    decimals: int = 0
    currency: str | None = None
    unit: str | None = None
    seconds: bool = False

    @property
    def is_number(self) -> bool:
        """Whether its values stand at the right."""
        return self.format in _NUMBERS

    def as_count(self) -> "Style":
        return Style(Format.NUMBER)


_NUMBERS = {Format.NUMBER, Format.PERCENT, Format.MONEY, Format.DURATION, Format.BYTES}


def style_of(kind: pa.DataType, given: Formatted | None = None, sample: Iterable[Any] = ()) -> Style:
    """What is given, and for the rest what suits the type and the sample of its values."""
    chosen = (given and given.format) or _default_format(kind, given)
    values = [value for value in sample if value is not None]
    style = Style(
        format=chosen,
        currency=given.currency if given else None,
        unit=given.unit if given else None,
        seconds=any(_has_seconds(value) for value in values),
    )
    decimals = given.decimals if given and given.decimals is not None else None
    return replace(style, decimals=_default_decimals(style, kind, values) if decimals is None else decimals)


def _default_format(kind: pa.DataType, given: Formatted | None) -> Format:
    if given and given.currency:
        return Format.MONEY
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return Format.NUMBER
    for test, chosen in _BY_TYPE:
        if test(kind):
            return chosen
    return Format.TEXT


_BY_TYPE = (
    (types.is_date, Format.DATE),
    (types.is_timestamp, Format.DATETIME),
    (types.is_time, Format.TIME),
    (types.is_duration, Format.DURATION),
)


def _default_decimals(style: Style, kind: pa.DataType, values: list[Any]) -> int:
    if style.format is Format.MONEY:
        return _DECIMALS.get(style.currency or "", 2)
    if style.format is Format.PERCENT:
        return 1
    if style.format is not Format.NUMBER or types.is_integer(kind):
        return 0
    if types.is_decimal(kind) and (kind.precision < _MOST_DIGITS or kind.scale <= 2):
        return max(0, min(int(kind.scale), 10))
    return needed_decimals(
        [float(one) for one in values if isinstance(one, int | float | Decimal) and math.isfinite(one)]
    )


def needed_decimals(numbers: list[float]) -> int:
    """Decimals for floats: none if all are whole; else two, or three significant digits of the largest."""
    largest = max((abs(one) for one in numbers), default=0.0)
    most = 2 if largest >= 1 or not largest else min(2 - math.floor(math.log10(largest)), 8)
    for decimals in range(most):
        if all(abs(one - round(one, decimals)) <= 1e-9 * max(abs(one), 1e-6) for one in numbers):
            return decimals
    return most


def _has_seconds(value: Any) -> bool:
    return isinstance(value, datetime | time) and bool(value.second or value.microsecond)


# --- for people ---------------------------------------------------------------------------------------


def text(value: Any, style: Style) -> str:
    """A value that its format does not suit is written as it is."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return duration(value.total_seconds())
    if isinstance(value, int | float | Decimal):
        return _number(value, style)
    if isinstance(value, datetime):
        return _moment(value, style)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _clock(value, style.seconds)
    return str(value)


def _number(value: int | float | Decimal, style: Style) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else f"{MINUS}∞"
    match style.format:
        case Format.TEXT:
            return _signed(plain(value)) + _unit(style)
        case Format.DURATION:
            return duration(float(value))
        case Format.BYTES:
            return size(float(value))
        case Format.PERCENT:
            return _signed(f"{value:,.{style.decimals}%}")
        case Format.MONEY:
            return _money(value, style)
        case _:
            return _signed(_digits(value, style.decimals)) + _unit(style)


def plain(value: int | float | Decimal) -> str:
    """All of its digits; a whole number has no decimals, also as a float."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LONGEST:
        return str(int(value))
    return str(value)


def count_of(number: int, one: str, several: str = "") -> str:
    """`1 row`, `12,345 rows`"""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def _digits(value: int | float | Decimal, decimals: int) -> str:
    if isinstance(value, float) and abs(value) >= _LONGEST:
        return f"{value:.6g}"
    return f"{value:,.{decimals}f}"


def _unit(style: Style) -> str:
    return f"\N{NO-BREAK SPACE}{style.unit}" if style.unit else ""


def _money(value: int | float | Decimal, style: Style) -> str:
    digits = _signed(_digits(value, style.decimals))
    if style.currency not in _SYMBOLS:
        return digits + (f"\N{NO-BREAK SPACE}{style.currency}" if style.currency else _unit(style))
    sign = MINUS if digits.startswith(MINUS) else ""
    return f"{sign}{_SYMBOLS[style.currency]}{digits.removeprefix(MINUS)}"


def _signed(digits: str) -> str:
    """With a true minus sign, and without one before a zero."""
    if not digits.startswith("-"):
        return digits
    return digits.replace("-", MINUS, 1) if digits.strip("-0.,%") else digits[1:]


def _moment(value: datetime, style: Style) -> str:
    if style.format is Format.DATE:
        return value.date().isoformat()
    if style.format is Format.TIME:
        return _clock(value.time(), style.seconds)
    return f"{value.date().isoformat()} {_clock(value.time(), style.seconds)}"


def _clock(value: time, seconds: bool) -> str:
    return f"{value:%H:%M:%S}" if seconds else f"{value:%H:%M}"


def duration(seconds: float) -> str:
    """`250 ms`, `12.5 s`, `5 min 03 s`, `1 h 05 min`, `2 d 03 h`"""
    if not math.isfinite(seconds):
        return _number(seconds, Style(Format.NUMBER))
    sign, length = (MINUS if seconds < 0 else ""), abs(seconds)
    if length < 59.95:
        return sign + (f"{round(length * 1000)} ms" if 0 < length < 0.9995 else f"{round(length, 1):g} s")
    for unit, part, whole, less, end in _LENGTHS:
        count = round(length / less)
        if count * less < end:
            return f"{sign}{count * less // whole:,} {unit} {count * less % whole // less:02} {part}"
    raise AssertionError  # the last of them has no end


_LENGTHS = (("min", "s", 60, 1, 3600), ("h", "min", 3600, 60, 86_400), ("d", "h", 86_400, 3600, math.inf))


def size(count: float) -> str:
    """`512 B`, `1.5 MiB`"""
    sign, left, power = (MINUS if count < 0 else ""), abs(count), 0
    while left >= 1023.95 and power < len(_POWERS) - 1:
        left, power = left / 1024, power + 1
    return f"{sign}{left:,.{1 if power else 0}f}\N{NO-BREAK SPACE}{_POWERS[power]}"


# --- for spreadsheets ---------------------------------------------------------------------------------


def number_format(style: Style) -> str:
    """The style as Excel's number format."""
    digits = "#,##0" + ("." + "0" * style.decimals if style.decimals else "")
    match style.format:
        case Format.PERCENT:
            return ("0." + "0" * style.decimals if style.decimals else "0") + "%"
        case Format.MONEY if style.currency in _SYMBOLS:
            symbol = _quoted(_SYMBOLS[style.currency])
            return f"{symbol}{digits};-{symbol}{digits}"
        case Format.MONEY:
            return digits + (_quoted(f" {style.currency}") if style.currency else "")
        case Format.NUMBER:
            return digits + (_quoted(f" {style.unit}") if style.unit else "")
        case other:
            return _FIXED[other]


_FIXED = {
    Format.TEXT: "General",
    Format.DATE: "yyyy-mm-dd",
    Format.TIME: "hh:mm:ss",
    Format.DATETIME: "yyyy-mm-dd hh:mm:ss",
    Format.DURATION: "[h]:mm:ss",
    Format.BYTES: '#,##0" B"',
}


def _quoted(literal: str) -> str:
    return '"' + literal.replace('"', "”") + '"'
