"""From a step's result to a chart as SVG."""

import warnings
from dataclasses import dataclass, field
from io import StringIO
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report_worker.files.charts import painting
from report_worker.files.charts.alt import describe
from report_worker.files.charts.collecting import collect
from report_worker.files.charts.plots import Plot
from report_worker.files.charts.points import Points, Scale, points_of
from report_worker.files.charts.style import RC, SERIES, WIDTH, themed
from report_worker.files.charts.svg import as_element
from report_worker.files.formats import Style, style_of
from report_worker.files.normal import python_values
from report_worker.files.reading import Source
from report_worker.files.words import clean, name_in_words, title_of
from waybill.definitions import Chart, ChartType, Format

_HEIGHT = 2.3
_ROW = {ChartType.BAR: 0.19, ChartType.STACKED_BAR: 0.22, ChartType.HEAT_MAP: 0.19}


@dataclass(frozen=True)
class ChartView:
    """`svg` is None where there is nothing to draw, and a note says so. `legend`: what each colour means."""

    svg: str | None
    legend: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def draw(source: Source, chart: Chart, *, name: str, title: str | None, vary: bool) -> ChartView:
    """`name` is its own in the page. `vary`: its colours are the page's variables. Equal results give equal
    charts. Raises `PermanentError` where a column is not there."""
    points = points_of(source, chart)
    plot = collect(points, chart.type, chart.bins)
    if not plot.points:
        return ChartView(None, notes=[*plot.notes, "There are no values to draw."])
    style, x_style = _styles(points, chart)
    description = clean(chart.alt or "") or describe(chart, plot, style, x_style)
    return _drawn(chart, plot, style, x_style, _Names(name, title or _title(chart), description), vary)


class _Names(NamedTuple):
    id: str
    title: str
    description: str


def _title(chart: Chart) -> str:
    return chart.title or {ChartType.HISTOGRAM: f"Histogram of {name_in_words(chart.x)}"}.get(
        chart.type, "Chart"
    )


def _styles(points: Points, chart: Chart) -> tuple[Style, Style]:
    """Of what is measured, and of the x axis: a histogram measures rows, its format is that of x."""
    types = points.source.types
    if chart.type is ChartType.HISTOGRAM:
        return Style(Format.NUMBER), style_of(types[points.x], chart, _sample(points, points.x))
    style = style_of(types[points.ys[0]], chart, _sample(points, points.ys[0]))
    if style.format is Format.TEXT:
        style = Style(Format.NUMBER, 2, style.currency, style.unit)
    return style, style_of(types[points.x], None, _sample(points, points.x))


def _sample(points: Points, place: int) -> list[object]:
    return python_values(points.source.head(500, [place]).column(0))


def _drawn(chart: Chart, plot: Plot, style: Style, x_style: Style, names: _Names, vary: bool) -> ChartView:
    with mpl.rc_context({**RC, "svg.hashsalt": names.id}), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # of glyphs that matplotlib's font lacks: the page's has them
        figure = Figure(figsize=(WIDTH, _height(chart, plot)), layout="constrained")
        axes = figure.subplots()
        legend = _paint(axes, chart, plot, style, x_style)
        _entitle(axes, chart, plot)
        written = StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    if vary:
        svg = themed(as_element(written.getvalue(), *names))
        return ChartView(svg, [(themed(color), label) for color, label in legend], plot.notes)
    # in a PDF the title alone is what a screen reader says
    names = names._replace(title=f"{names.title}. {names.description}")
    return ChartView(as_element(written.getvalue(), *names), legend, plot.notes)


def _height(chart: Chart, plot: Plot) -> float:
    if chart.type is ChartType.HEAT_MAP:
        return min(0.6 + _ROW[chart.type] * len(plot.series), 8.0)
    if plot.scale is Scale.TEXT and chart.type in _ROW:
        count = len(plot.names) * (max(1, 0.55 * len(plot.series)) if chart.type is ChartType.BAR else 1)
        return min(max(0.5 + _ROW[chart.type] * count, 0.9), 9.0)
    return _HEIGHT


def _paint(axes: Axes, chart: Chart, plot: Plot, style: Style, x_style: Style) -> list[tuple[str, str]]:
    """Returns the legend."""
    if chart.type is ChartType.HEAT_MAP:
        return painting.paint_heat_map(axes, plot, style, x_style)
    if chart.type is ChartType.HISTOGRAM:
        painting.paint_histogram(axes, plot, style, x_style)
        return []
    if chart.type is ChartType.LINE:
        painting.paint_lines(axes, plot, style, x_style)
    elif chart.type is ChartType.SCATTER:
        painting.paint_cloud(axes, plot, style, x_style)
    else:
        painting.paint_bars(axes, plot, style, x_style, stacked=chart.type is ChartType.STACKED_BAR)
    if len(plot.series) == 1 and not chart.series:
        return []
    return [(color, one.name) for color, one in zip(SERIES, plot.series, strict=False)]


def _entitle(axes: Axes, chart: Chart, plot: Plot) -> None:
    """Titles of the axes, what is measured above the chart, where it can be read without turning the head."""
    lying = plot.scale is Scale.TEXT and chart.type in (ChartType.BAR, ChartType.STACKED_BAR)
    measured, along = clean(chart.y_title or _default_y(chart)), clean(chart.x_title or _default_x(chart))
    if measured and chart.type is not ChartType.HEAT_MAP:
        axes.set_title(along if lying else measured)
    elif chart.y_title:
        axes.set_title(clean(chart.y_title))
    below = measured if lying else along
    if below:
        axes.set_xlabel(below)


def _default_y(chart: Chart) -> str:
    if chart.type is ChartType.HISTOGRAM:
        return "Rows"
    return title_of(chart.y) if isinstance(chart.y, str) else ""


def _default_x(chart: Chart) -> str:
    return title_of(chart.x) if chart.type in (ChartType.SCATTER, ChartType.HISTOGRAM) else ""
