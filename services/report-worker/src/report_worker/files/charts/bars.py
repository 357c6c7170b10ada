"""What bars are of: the sums of rows, and of names beyond the limit."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from report_worker.files.charts.plots import (
    BINS,
    MAX_CATEGORIES,
    MAX_POINTS,
    MAX_SERIES,
    OTHER,
    Numbers,
    Plot,
    Series,
)
from report_worker.files.charts.points import Points, Scale
from report_worker.files.charts.series import numbers, onto, positions, split
from report_worker.files.totals import connect


def collect_bars(points: Points) -> Plot:
    """Rows with the same x and series are added up; of names beyond the limit, those with the least."""
    table = _sums(points, "x, s")
    notes = [] if table.num_rows == points.source.rows else ["Rows of the same bar are added up."]
    table, xs, x_names = positions(points, table)
    if points.x_scale is not Scale.TEXT and len(xs) > MAX_POINTS:
        edges = np.linspace(xs[0], xs[-1], BINS + 1)
        notes = [f"Each of {BINS:,} bars is the sum of an interval."]
        centres = (edges[:-1] + edges[1:]) / 2
        at = centres[np.clip(np.digitize(numbers(table.column("x")), edges) - 1, 0, BINS - 1)]
        table, xs = table.set_column(table.column_names.index("x"), "x", pa.array(at)), centres
    series = [onto(one, xs) for one in split(points, table)]
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
        return (
            database.sql(
                f"SELECT min(pos) AS pos, x, s, {sums} FROM points GROUP BY {by} ORDER BY pos"  # noqa: S608
            )
            .to_arrow_table()
            .select(["pos", "x", "s", *(f"y{place}" for place in range(len(points.ys)))])
        )


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
    shorter = [Series(one.name, xs, np.append(one.y[kept], _rest(one.y[rest]))) for one in series]
    return [*(names[at] for at in kept), OTHER], shorter


def _rest(y: Numbers) -> float:
    return float("nan") if np.isnan(y).all() else float(np.nansum(y))
