"""PostgreSQL's types as Arrow's. What has no like there is text, as PostgreSQL writes it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from psycopg import Column, Connection
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.datetime import IntervalLoader
from psycopg.types.string import TextLoader

from waybill.errors import PermanentError

_NUMERIC, _INTERVAL = 1700, 1186
_TYPES = {
    16: pa.bool_(),
    17: pa.binary(),
    20: pa.int64(),
    21: pa.int16(),
    23: pa.int32(),
    26: pa.int64(),  # oid
    700: pa.float32(),
    701: pa.float64(),
    1082: pa.date32(),
    1083: pa.time64("us"),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", tz="UTC"),
    _INTERVAL: pa.duration("us"),
}
"""By the numbers that PostgreSQL's own types have everywhere."""
_LISTS = {number: one for number, one in _TYPES.items() if number not in (17, _INTERVAL)} | dict.fromkeys(
    (18, 19, 25, 114, 1042, 1043, 2950, 3802), pa.string()
)
"""Of the elements of arrays that become lists."""
_MAX_DIGITS = 38
_CALENDAR = re.compile(rb"mon|year")


class _Interval(Loader):
    """As a time that is fixed: a day has 24 hours."""

    def __init__(self, oid: int, context: Any = None) -> None:
        super().__init__(oid, context)
        self._inner = IntervalLoader(oid, context)

    def load(self, data: Buffer) -> timedelta:
        if _CALENDAR.search(bytes(data)):
            raise PermanentError(
                f"{bytes(data).decode(errors='replace')!r} is an interval of months or years, which have no"
                " fixed length: use extract(epoch FROM …), or ::text."
            )
        return self._inner.load(data)


@dataclass
class ResultColumn:
    """One column, as batches of values come. `type` is Arrow's; that of a numeric without a precision grows
    with what it must hold."""

    name: str
    type: pa.DataType
    grows: bool = False
    _digits: int = field(default=0, repr=False)

    def array(self, values: Sequence[Any]) -> pa.Array:
        """Raises `PermanentError` for what the type cannot hold."""
        try:
            if self.grows:
                self._grow(pa.array(values))
            return pa.array(values, self.type)
        except PermanentError:
            raise
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise PermanentError(f"The column {self.name!r}: {self._reason(values, error)}") from None

    def _grow(self, found: pa.Array) -> None:
        if not pa.types.is_decimal(found.type):  # NULL alone
            return
        scale = max(self.type.scale, found.type.scale)
        self._digits = max(self._digits, found.type.precision - found.type.scale)
        if self._digits + scale > _MAX_DIGITS:
            raise PermanentError(
                f"The column {self.name!r} needs more than {_MAX_DIGITS} digits: round it, as by"
                f" round({self.name}, 6), or cast it, to double precision or text."
            )
        self.type = pa.decimal128(_MAX_DIGITS, scale)

    def _reason(self, values: Sequence[Any], error: Exception) -> str:
        if any(isinstance(one, Decimal) and not one.is_finite() for one in values):
            return "a numeric is NaN or infinite: replace it, as by nullif(x, 'NaN'), or cast it to float8."
        if pa.types.is_list(self.type):
            return "an array is no plain list, such as one of two dimensions: use to_json(x), or ::text."
        return f"{error}."


def columns_of(connection: Connection[Any], description: Sequence[Column]) -> list[ResultColumn]:
    """Sets, on the connection, how their values are read."""
    return [_column(connection, one) for one in description]


def _column(connection: Connection[Any], described: Column) -> ResultColumn:
    number = described.type_code
    if number == _NUMERIC:
        precision, scale = described.precision, described.scale
        if precision and scale is not None and 0 <= scale <= precision <= _MAX_DIGITS:
            return ResultColumn(described.name, pa.decimal128(precision, scale))
        return ResultColumn(described.name, pa.decimal128(_MAX_DIGITS, 0), grows=True)
    if number in _TYPES:
        return ResultColumn(described.name, _TYPES[number])
    if element := _element(connection, number):
        return ResultColumn(described.name, pa.list_(element))
    connection.adapters.register_loader(number, TextLoader)
    return ResultColumn(described.name, pa.string())


def _element(connection: Connection[Any], number: int) -> pa.DataType | None:
    info = connection.adapters.types.get(number)
    return _LISTS.get(info.oid) if info is not None and info.array_oid == number else None


def prepare_types(connection: Connection[Any]) -> None:
    """Before the first statement."""
    connection.adapters.register_loader(_INTERVAL, _Interval)
    for number in (114, 2950, 3802):  # json, uuid, jsonb, also as elements of arrays
        connection.adapters.register_loader(number, TextLoader)
