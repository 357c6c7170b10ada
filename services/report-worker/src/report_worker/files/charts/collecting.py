"""Reads and sums up what a chart draws: DuckDB and numpy, over batches."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from report_worker.files.charts.plots import (
    MAX_CATEGORIES,
    MAX_CELLS,
    MAX_POINTS,
    MAX_SERIES,
    OTHER,
    Numbers,
    Plot,
    Series,
)
from report_worker.files.charts.points import Points, Scale, scale_of
from report_worker.files.formats import NOTHING
from report_worker.files.totals import connect
from report_worker.files.words import clean
from waybill.definitions import ChartType

_BINS = 1000
"""Intervals of a line that has more points than a chart draws."""
_NAME_LENGTH = 60


def collect(points: Points, kind: ChartType, bins: int = 20) -> Plot:
    """The plot of a chart of this type."""
    if kind is ChartType.HISTOGRAM:
        return _histogram(points, bins)
    if kind is ChartType.HEAT_MAP:
        return _heat_map(points)
    if kind in (ChartType.BAR, ChartType.STACKED_BAR):
        return _bars(points)
    return _lines(points, scatter=kind is ChartType.SCATTER)


def names_of(values: Sequence[str | None]) -> list[str]:
    return [_name(value) for value in values]


def _name(value: str | None) -> str:
    words = NOTHING if value is None else clean(value).replace("\n", " ")
    return words if len(words) <= _NAME_LENGTH else words[:_NAME_LENGTH] + "…"


def _numbers(column: pa.ChunkedArray) -> Numbers:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype="float64")


def _column_names(points: Points) -> list[str]:
    return names_of([points.source.names[place] for place in points.ys])


# --- lines and clouds ---------------------------------------------------------------------------------


def _lines(points: Points, *, scatter: bool) -> Plot:
    rows, drawn = points.source.rows, points.source.rows * max(len(points.ys), 1)
    notes = []
    if drawn <= MAX_POINTS:
        table = points.reader().read_all()
    elif scatter or points.x_scale is Scale.TEXT:
        step = -(-drawn // MAX_POINTS)
        table = _sample(points, step)
        notes.append(f"A sample: {table.num_rows:,} of {rows:,} rows.")
    else:
        table = _means(points)
        notes.append(f"Means of {rows:,} rows, in at most {_BINS:,} intervals.")
    names: list[str] = []
    if points.x_scale is Scale.TEXT:
        table, names = _with_places(table)
    elif not scatter:
        table = table.sort_by([("x", "ascending"), ("pos", "ascending")])
    series = _split(points, table)
    if len(series) > MAX_SERIES:
        notes.append(f"{MAX_SERIES} of {len(series):,} series: those with the most values.")
        largest = sorted(series, key=lambda one: -np.count_nonzero(np.isfinite(one.y)))[:MAX_SERIES]
        series = [one for one in series if any(one is other for other in largest)]
    return Plot(points.x_scale, series, names, notes)


def _sample(points: Points, step: int) -> pa.Table:
    """Every row whose number is divided by the step: the same for the same rows."""
    kept = []
    for batch in points.batches():
        first = int(batch.column("pos")[0].as_py()) if batch.num_rows else 0
        kept.append(batch.take(pa.array(np.arange(-first % step, batch.num_rows, step))))
    return pa.Table.from_batches(kept, points.schema)


def _means(points: Points) -> pa.Table:
    means = ", ".join(f"avg(y{place}) AS y{place}" for place in range(len(points.ys)))
    with connect() as database:
        database.register("points", points.reader())
        low, high = database.execute("SELECT min(x), max(x) FROM points").fetchone() or (None, None)
        width = ((high or 0.0) - (low or 0.0)) / _BINS or 1.0
        database.register("again", points.reader())
        return database.sql(
            f"SELECT min(pos) AS pos, avg(x) AS x, s, {means} FROM again WHERE x IS NOT NULL"  # noqa: S608
            " GROUP BY s, least(floor((x - ?) / ?), ?) ORDER BY pos",
            params=[low, width, _BINS - 1],
        ).to_arrow_table()


def _with_places(table: pa.Table) -> tuple[pa.Table, list[str]]:
    """Names as their places in the order in which they come."""
    encoded = table.column("x").combine_chunks().dictionary_encode(null_encoding="encode")
    places = encoded.indices.cast(pa.float64())
    return table.set_column(1, "x", places), names_of(encoded.dictionary.to_pylist())


def _split(points: Points, table: pa.Table) -> list[Series]:
    x = _numbers(table.column("x"))
    if points.series is None:
        titles = _column_names(points)
        return [Series(name, x, _numbers(table.column(f"y{place}"))) for place, name in enumerate(titles)]
    encoded = table.column("s").combine_chunks().dictionary_encode(null_encoding="encode")
    which = np.asarray(encoded.indices)
    names = encoded.dictionary.to_pylist()
    many = len(points.ys) > 1
    split = []
    for place, title in enumerate(_column_names(points)):
        y = _numbers(table.column(f"y{place}"))
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


# --- bars ---------------------------------------------------------------------------------------------


def _bars(points: Points) -> Plot:
    """Rows with the same x and series are added up; of names beyond the limit, those with the least."""
    table = _sums(points, "x, s")
    notes = [] if table.num_rows == points.source.rows else ["Rows of the same bar are added up."]
    x_names: list[str] = []
    if points.x_scale is Scale.TEXT:
        table, x_names = _with_places(table)
        xs = np.arange(len(x_names), dtype="float64")
    else:
        xs = np.unique(_numbers(table.column("x")))
        xs = xs[np.isfinite(xs)]
    if points.x_scale is not Scale.TEXT and len(xs) > MAX_POINTS:
        edges = np.linspace(xs[0], xs[-1], _BINS + 1)
        notes = [f"Each of {_BINS:,} bars is the sum of an interval."]
        centres = (edges[:-1] + edges[1:]) / 2
        at = centres[np.clip(np.digitize(_numbers(table.column("x")), edges) - 1, 0, _BINS - 1)]
        table, xs = table.set_column(table.column_names.index("x"), "x", pa.array(at)), centres
    series = [_onto(one, xs) for one in _split(points, table)]
    if len(series) > MAX_SERIES:
        series = _with_other(series)
    if len(x_names) > MAX_CATEGORIES:
        notes.append(f"The {MAX_CATEGORIES - 1} largest of {len(x_names):,}; the rest is “{OTHER}”.")
        x_names, series = _with_other_names(x_names, series)
    return Plot(points.x_scale, series, x_names, notes)


def _sums(points: Points, by: str) -> pa.Table:
    sums = ", ".join(f"sum(y{place}) AS y{place}" for place in range(len(points.ys)))
    with connect() as database:
        database.register("points", points.reader())
        return database.sql(
            f"SELECT min(pos) AS pos, x, s, {sums} FROM points GROUP BY {by} ORDER BY pos"  # noqa: S608
        ).to_arrow_table().select(["pos", "x", "s", *(f"y{place}" for place in range(len(points.ys)))])


def _onto(series: Series, xs: Numbers) -> Series:
    """The same with a value for each of the positions, NaN where it has none."""
    y = np.full(len(xs), np.nan)
    known = np.isfinite(series.x) & np.isfinite(series.y)
    places = np.searchsorted(xs, series.x[known])
    added = np.bincount(places, weights=series.y[known], minlength=len(xs))
    there = np.bincount(places, minlength=len(xs)) > 0
    y[there] = added[there]
    return Series(series.name, xs, y)


def _total(y: Numbers) -> float:
    return float(np.nansum(np.abs(y)))


def _sum_up(ys: Sequence[Numbers]) -> Numbers:
    stacked = np.vstack(ys)
    return np.where(np.isnan(stacked).all(axis=0), np.nan, np.nansum(stacked, axis=0))


def _with_other(series: list[Series]) -> list[Series]:
    order = sorted(range(len(series)), key=lambda at: -_total(series[at].y))
    kept = sorted(order[: MAX_SERIES - 1])
    rest = _sum_up([series[at].y for at in order[MAX_SERIES - 1 :]])
    return [*(series[at] for at in kept), Series(OTHER, series[0].x, rest)]


def _with_other_names(names: list[str], series: list[Series]) -> tuple[list[str], list[Series]]:
    weight = np.nansum(np.abs(np.vstack([one.y for one in series])), axis=0)
    order = np.argsort(-weight, kind="stable")
    kept, rest = np.sort(order[: MAX_CATEGORIES - 1]), order[MAX_CATEGORIES - 1 :]
    xs = np.arange(MAX_CATEGORIES, dtype="float64")
    shorter = [
        Series(one.name, xs, np.append(one.y[kept], _rest(one.y[rest]))) for one in series
    ]
    return [*(names[at] for at in kept), OTHER], shorter


def _rest(y: Numbers) -> float:
    return float("nan") if np.isnan(y).all() else float(np.nansum(y))


# --- heat map and histogram ---------------------------------------------------------------------------


def _heat_map(points: Points) -> Plot:
    """Its series are its rows, from the top; several values of a cell give their mean."""
    with connect() as database:
        database.register("points", points.reader())
        table = database.sql(
            "SELECT min(pos) AS pos, x, s, avg(y0) AS y0 FROM points GROUP BY x, s ORDER BY pos"
        ).to_arrow_table()
    notes = [] if table.num_rows == points.source.rows else ["Means, where a cell has several values."]
    names: list[str] = []
    if points.x_scale is Scale.TEXT:
        table, names = _with_places(table)
        xs = np.arange(len(names), dtype="float64")
    else:
        xs = np.unique(_numbers(table.column("x")))
        xs = xs[np.isfinite(xs)]
    series = [_onto(one, xs) for one in _split(points, table)]
    allowed = max(1, MAX_CELLS // max(len(series), 1))
    if len(xs) > allowed or len(series) > MAX_CATEGORIES * 3:
        rows = series[: MAX_CATEGORIES * 3]
        allowed = MAX_CELLS // len(rows)
        notes.append(f"The first {min(len(xs), allowed):,} of {len(xs):,} columns and {len(rows):,} of {len(series):,} rows.")
        series = [Series(one.name, one.x[:allowed], one.y[:allowed]) for one in rows]
        names = names[:allowed]
    return Plot(points.x_scale, series, names, notes)


def _histogram(points: Points, bins: int) -> Plot:
    """How many values are in each of the intervals of the same length, of a column of numbers or times."""
    if points.x_scale is Scale.TEXT:
        return Plot(points.x_scale, [], notes=["A histogram is of numbers or times, and this column has texts."])
    low, high, rows = np.inf, -np.inf, 0
    for batch in points.batches():
        known = _known(batch)
        if len(known):
            low, high, rows = min(low, known.min()), max(high, known.max()), rows + len(known)
    if not rows:
        return Plot(points.x_scale, [])
    edges = np.histogram_bin_edges(np.array([low, high]), bins)
    counts = np.zeros(bins)
    for batch in points.batches():
        counts += np.histogram(_known(batch), edges)[0]
    left_out = points.source.rows - rows
    notes = [f"{left_out:,} rows have no value."] if left_out else []
    return Plot(points.x_scale, [Series("rows", (edges[:-1] + edges[1:]) / 2, counts)], notes=notes, edges=edges)


def _known(batch: pa.RecordBatch) -> Numbers:
    return np.asarray(batch.column("x").drop_null().to_numpy(zero_copy_only=False), dtype="float64")
