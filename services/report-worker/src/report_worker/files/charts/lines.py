"""What lines and clouds are of: all points, or means or a sample of them."""

import numpy as np
import pyarrow as pa

from report_worker.files.charts.plots import BINS, MAX_POINTS, MAX_SERIES, Plot
from report_worker.files.charts.points import Points, Scale
from report_worker.files.charts.series import split, with_places
from report_worker.files.totals import connect


def collect_lines(points: Points, *, scatter: bool) -> Plot:
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
        notes.append(f"Means of {rows:,} rows, in at most {BINS:,} intervals.")
    names: list[str] = []
    if points.x_scale is Scale.TEXT:
        table, names = with_places(table)
    elif not scatter:
        table = table.sort_by([("x", "ascending"), ("pos", "ascending")])
    series = split(points, table)
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
        [(low, high)] = database.execute("SELECT min(x), max(x) FROM points").fetchall()
        width = ((high or 0.0) - (low or 0.0)) / BINS or 1.0
        database.register("again", points.reader())
        return database.sql(
            f"SELECT min(pos) AS pos, avg(x) AS x, s, {means} FROM again WHERE x IS NOT NULL"  # noqa: S608
            " GROUP BY s, least(floor((x - ?) / ?), ?) ORDER BY pos",
            params=[low, width, BINS - 1],
        ).to_arrow_table()
