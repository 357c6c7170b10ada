"""Tables of Arrow as series of numbers."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from report_worker.files.charts.plots import Numbers, Series
from report_worker.files.charts.points import Points, Scale, scale_of
from report_worker.files.formats import NOTHING
from report_worker.files.words import clean, title_of

_NAME_LENGTH = 60


def numbers(column: pa.ChunkedArray) -> Numbers:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype="float64")


def names_of(values: Sequence[str | None]) -> list[str]:
    return [_name(value) for value in values]


def _name(value: str | None) -> str:
    words = NOTHING if value is None else clean(value).replace("\n", " ")
    return words if len(words) <= _NAME_LENGTH else words[:_NAME_LENGTH] + "…"


def column_names(points: Points) -> list[str]:
    return names_of([title_of(points.source.names[place]) for place in points.ys])


def with_places(table: pa.Table) -> tuple[pa.Table, list[str]]:
    """Names as their places in the order in which they come."""
    encoded = table.column("x").combine_chunks().dictionary_encode(null_encoding="encode")
    places = encoded.indices.cast(pa.float64())
    return table.set_column(1, "x", places), names_of(encoded.dictionary.to_pylist())


def split(points: Points, table: pa.Table) -> list[Series]:
    x = numbers(table.column("x"))
    if points.series is None:
        titles = column_names(points)
        return [Series(name, x, numbers(table.column(f"y{place}"))) for place, name in enumerate(titles)]
    encoded = table.column("s").combine_chunks().dictionary_encode(null_encoding="encode")
    which = np.asarray(encoded.indices)
    names = encoded.dictionary.to_pylist()
    many = len(points.ys) > 1
    split = []
    for place, title in enumerate(column_names(points)):
        y = numbers(table.column(f"y{place}"))
        for number in _in_order(names, scale_of(points.source.types[points.series])):
            name, here = _name(names[number]), which == number
            split.append(Series(f"{name}, {title}" if many else name, x[here], y[here]))
    return split


def _in_order(names: Sequence[str | None], scale: Scale) -> list[int]:
    """Texts in the order in which they come; numbers and times by their size, null last."""
    places = list(range(len(names)))
    if scale is Scale.TEXT:
        return places
    if scale is Scale.NUMBER:
        return sorted(places, key=lambda at: float("inf") if names[at] is None else float(names[at] or 0))
    return sorted(places, key=lambda at: (names[at] is None, names[at]))


def onto(series: Series, xs: Numbers) -> Series:
    """The same with a value for each of the positions, NaN where it has none."""
    y = np.full(len(xs), np.nan)
    known = np.isfinite(series.x) & np.isfinite(series.y)
    places = np.searchsorted(xs, series.x[known])
    added = np.bincount(places, weights=series.y[known], minlength=len(xs))
    there = np.bincount(places, minlength=len(xs)) > 0
    y[there] = added[there]
    return Series(series.name, xs, y)


def positions(points: Points, table: pa.Table) -> tuple[pa.Table, Numbers, list[str]]:
    """The table with numbers as x, all of them in order, and the names that they stand for on a text axis."""
    if points.x_scale is Scale.TEXT:
        table, names = with_places(table)
        return table, np.arange(len(names), dtype="float64"), names
    xs = np.unique(numbers(table.column("x")))
    return table, xs[np.isfinite(xs)], []
