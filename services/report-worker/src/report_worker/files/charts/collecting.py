"""Reads and sums up what a chart draws."""

import duckdb

from report_worker.files.charts.bars import collect_bars
from report_worker.files.charts.grids import collect_heat_map, collect_histogram
from report_worker.files.charts.lines import collect_lines
from report_worker.files.charts.plots import Plot
from report_worker.files.charts.points import Points
from waybill.definitions import ChartType
from waybill.errors import PermanentError


def collect(points: Points, kind: ChartType, bins: int = 20) -> Plot:
    """The plot of a chart of this type. Raises `PermanentError` where it has too many different values."""
    try:
        return _collect(points, kind, bins)
    except duckdb.OutOfMemoryException as error:
        raise PermanentError(
            f"A chart of {points.source.name} has too many different values; group them in SQL."
        ) from error


def _collect(points: Points, kind: ChartType, bins: int) -> Plot:
    if kind is ChartType.HISTOGRAM:
        return collect_histogram(points, bins)
    if kind is ChartType.HEAT_MAP:
        return collect_heat_map(points)
    if kind in (ChartType.BAR, ChartType.STACKED_BAR):
        return collect_bars(points)
    return collect_lines(points, scatter=kind is ChartType.SCATTER)
