"""The columns of a chart, as numbers and names, in batches that DuckDB and numpy read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from report_worker.files.reading import Source
from waybill.definitions import Chart, ChartType

_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)
_FIRST_DAY, _LAST_DAY = (date.min - _EPOCH).days + 366, (date.max - _EPOCH).days - 366


class Scale(Enum):
    """What an axis has: `TIME` in days from 1970, `CLOCK` and `LENGTH` in seconds, `TEXT` as names."""

    NUMBER = "number"
    TIME = "time"
    CLOCK = "clock"
    LENGTH = "length"
    TEXT = "text"


@dataclass(frozen=True)
class Points:
    """The columns of a chart: in batches `pos`, `x` (number or text), `s` (text or null), `y0`, `y1` …"""

    source: Source
    x: int
    x_scale: Scale
    ys: list[int]
    y_scale: Scale
    series: int | None

    @property
    def schema(self) -> pa.Schema:
        numbers = [pa.field(f"y{place}", self._kind(self.y_scale)) for place in range(len(self.ys))]
        first = [("pos", pa.int64()), ("x", self._kind(self.x_scale)), ("s", pa.large_string())]
        return pa.schema([*(pa.field(*one) for one in first), *numbers])

    def batches(self) -> Iterator[pa.RecordBatch]:
        before = 0
        columns = sorted({self.x, *self.ys, *([] if self.series is None else [self.series])})
        for batch in self.source.batches(columns):
            by = dict(zip(columns, batch.columns, strict=True))
            series = (
                pa.nulls(batch.num_rows, pa.large_string())
                if self.series is None
                else as_names(by[self.series])
            )
            pos = pa.array(np.arange(before, before + batch.num_rows))
            numbers = [as_axis(by[place], self.y_scale) for place in self.ys]
            yield pa.RecordBatch.from_arrays(
                [pos, as_axis(by[self.x], self.x_scale), series, *numbers], schema=self.schema
            )
            before += batch.num_rows

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self.schema, self.batches())

    @staticmethod
    def _kind(scale: Scale) -> pa.DataType:
        return pa.large_string() if scale is Scale.TEXT else pa.float64()


def points_of(source: Source, chart: Chart) -> Points:
    """Raises `PermanentError` where a column is not there."""
    x = source.find(chart.x)
    if chart.type is ChartType.HEAT_MAP:
        ys, series = [source.find(str(chart.value))], source.find(str(chart.y))
    elif chart.type is ChartType.HISTOGRAM:
        ys, series = [], None
    else:
        named: Sequence[str] = [chart.y] if isinstance(chart.y, str) else chart.y or []
        ys = [source.find(one) for one in named]
        series = source.find(chart.series) if chart.series else None
    scales = [scale_of(source.types[place]) for place in ys]
    y_scale = scales[0] if scales and scales[0] in (Scale.LENGTH, Scale.CLOCK) else Scale.NUMBER
    return Points(source, x, scale_of(source.types[x]), ys, y_scale, series)


def scale_of(kind: pa.DataType) -> Scale:
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return Scale.NUMBER
    for test, scale in _SCALES:
        if test(kind):
            return scale
    return Scale.TEXT


_SCALES = (
    (types.is_timestamp, Scale.TIME),
    (types.is_date, Scale.TIME),
    (types.is_time, Scale.CLOCK),
    (types.is_duration, Scale.LENGTH),
)


def as_names(column: pa.Array) -> pa.Array:
    return column.cast(pa.large_string(), safe=False)


def as_axis(column: pa.Array, scale: Scale) -> pa.Array:
    """Null where a value is no finite number of that scale."""
    if scale is Scale.TEXT:
        return as_names(column)
    kind = column.type
    if scale_of(kind) is Scale.TEXT:
        return pa.nulls(len(column), pa.float64())
    if types.is_timestamp(kind):
        if kind.tz:
            column = pc.local_timestamp(column)
        return _drawable(pc.divide(column.cast(pa.int64()).cast(pa.float64(), safe=False), float(_DAY_US)))
    if types.is_date(kind):
        return _drawable(column.cast(pa.int32()).cast(pa.float64()))
    if types.is_time(kind) or types.is_duration(kind):
        return pc.divide(column.cast(pa.int64()).cast(pa.float64(), safe=False), 1e6)
    column = column.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(column), column, pa.scalar(None, pa.float64()))


def _drawable(days: pa.Array) -> pa.Array:
    """Null for days that no calendar of Python has: before the year 1, or after 9999."""
    fits = pc.and_(pc.greater(days, float(_FIRST_DAY)), pc.less(days, float(_LAST_DAY)))
    return pc.if_else(fits, days, pa.scalar(None, pa.float64()))
