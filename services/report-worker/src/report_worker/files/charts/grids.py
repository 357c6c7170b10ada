"""What heat maps and histograms are of: means of cells, and counts of intervals."""

import numpy as np
import pyarrow as pa

from report_worker.files.charts.plots import MAX_CATEGORIES, MAX_CELLS, Numbers, Plot, Series
from report_worker.files.charts.points import Points, Scale
from report_worker.files.charts.series import onto, positions, split
from report_worker.files.formats import count_of
from report_worker.files.totals import connect


def collect_heat_map(points: Points) -> Plot:
    """Its series are its rows, from the top; several values of a cell give their mean."""
    with connect() as database:
        database.register("points", points.reader())
        table = database.sql(
            "SELECT min(pos) AS pos, x, s, avg(y0) AS y0 FROM points GROUP BY x, s ORDER BY pos"
        ).to_arrow_table()
    notes = [] if table.num_rows == points.source.rows else ["Means, where a cell has several values."]
    table, xs, names = positions(points, table)
    series = [onto(one, xs) for one in split(points, table)]
    allowed = max(1, MAX_CELLS // max(len(series), 1))
    if len(xs) > allowed or len(series) > MAX_CATEGORIES * 3:
        rows = series[: MAX_CATEGORIES * 3]
        allowed = MAX_CELLS // len(rows)
        columns = f"{min(len(xs), allowed):,} of {count_of(len(xs), 'column')}"
        notes.append(f"The first {columns} and {len(rows):,} of {count_of(len(series), 'row')}.")
        series = [Series(one.name, one.x[:allowed], one.y[:allowed]) for one in rows]
        names = names[:allowed]
    return Plot(points.x_scale, series, names, notes)


def collect_histogram(points: Points, bins: int) -> Plot:
    """How many values are in each of the intervals of the same length, of a column of numbers or times."""
    if points.x_scale is Scale.TEXT:
        return Plot(
            points.x_scale, [], notes=["A histogram is of numbers or times, and this column has texts."]
        )
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
    notes = [f"{count_of(left_out, 'row has', 'rows have')} no value."] if left_out else []
    return Plot(
        points.x_scale, [Series("rows", (edges[:-1] + edges[1:]) / 2, counts)], notes=notes, edges=edges
    )


def _known(batch: pa.RecordBatch) -> Numbers:
    return np.asarray(batch.column("x").drop_null().to_numpy(zero_copy_only=False), dtype="float64")
