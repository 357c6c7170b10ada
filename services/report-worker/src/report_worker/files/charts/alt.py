"""What a chart shows in words, made of its points, for readers who cannot see it."""

import numpy as np

from report_worker.files.charts.painting import position_in_words
from report_worker.files.charts.plots import Plot, Series
from report_worker.files.formats import Style, text
from report_worker.files.words import clean, name_in_words
from waybill.definitions import Chart, ChartType

_NAMES = {
    ChartType.LINE: "Line chart",
    ChartType.BAR: "Bar chart",
    ChartType.STACKED_BAR: "Stacked bar chart",
    ChartType.SCATTER: "Scatter chart",
    ChartType.HEAT_MAP: "Heat map",
    ChartType.HISTOGRAM: "Histogram",
}
_LISTED = 12
"""Up to this number of bars, each is named with its value."""
_SERIES = 8


def describe(chart: Chart, plot: Plot, style: Style, x_style: Style) -> str:
    """`Line chart of flights by day. flights: from 712 (2013-01-19) to 1,014 (2013-11-27); last 776.`"""
    subject = chart.value if chart.type is ChartType.HEAT_MAP else chart.y
    names = ", ".join(map(name_in_words, [subject] if isinstance(subject, str) else subject or []))
    x = name_in_words(chart.x)
    by = f" by {name_in_words(chart.series)}" if chart.series else ""
    if chart.type is ChartType.HISTOGRAM:
        first = f"Histogram of {x}"
    elif chart.type is ChartType.HEAT_MAP:
        first = f"Heat map of {names} by {x} and {name_in_words(str(chart.y))}"
    else:
        first = f"{_NAMES[chart.type]} of {names} by {x}{by}"
    spoken = [_series(plot, one, style, x_style) for one in plot.series[:_SERIES]]
    if len(plot.series) > _SERIES:
        spoken.append(f"and {len(plot.series) - _SERIES} more.")
    return clean(" ".join([f"{first}.", *spoken]))


def _series(plot: Plot, one: Series, style: Style, x_style: Style) -> str:
    known = np.flatnonzero(np.isfinite(one.y) & np.isfinite(one.x))
    if not len(known):
        return f"{one.name}: no values."

    def at(place: int) -> str:
        where = position_in_words(plot, one.x[place], x_style)
        return f"{text(float(one.y[place]), style)} ({where})"

    if len(known) <= _LISTED:
        return f"{one.name}: {', '.join(at(int(place)) for place in known)}."
    low, high = known[np.argmin(one.y[known])], known[np.argmax(one.y[known])]
    return f"{one.name}: from {at(int(low))} to {at(int(high))}; last {at(int(known[-1]))}."
