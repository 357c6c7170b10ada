"""Paints plots: each type of chart onto the axes of a figure of matplotlib."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from report_worker.files.charts.axes import ValueFormatter, name_axis, scale_axis, value_axis
from report_worker.files.charts.plots import Numbers, Plot
from report_worker.files.charts.points import Scale
from report_worker.files.charts.style import HEAT, MUTED, SERIES
from report_worker.files.formats import Style, text

_Floats = NDArray[np.floating[Any]]
_MARKED = 40
"""Up to this number of points a line has a mark at each."""
_LEVELS = 32
"""Colours of a heat map."""
_HEAT_MAP = LinearSegmentedColormap.from_list("heat", HEAT)
_LABELLED = 40
_AROUND = 2.5
"""What is seen of the axis on both sides of a single point: days, of one of time."""


def paint_lines(axes: Axes, plot: Plot, style: Style, x_style: Style) -> None:
    for color, one in zip(SERIES, plot.series, strict=False):
        known = np.isfinite(one.y) & np.isfinite(one.x)
        mark = "o" if known.sum() <= _MARKED or len(one.x) <= 2 else None
        axes.plot(one.x, one.y, color=color, marker=mark)
        if mark is None:
            alone = known & ~np.roll(known, 1) & ~np.roll(known, -1)  # a point between two gaps has no line
            axes.plot(one.x[alone], one.y[alone], "o", color=color, ms=2)
    _finish(axes, plot, style, x_style)


def paint_cloud(axes: Axes, plot: Plot, style: Style, x_style: Style) -> None:
    size = 9 if plot.points <= 300 else 4
    for color, one in zip(SERIES, plot.series, strict=False):
        axes.plot(one.x, one.y, "o", color=color, ms=size**0.5, alpha=0.7, mew=0)
    axes.grid(visible=True, axis="both")
    _finish(axes, plot, style, x_style)


def paint_bars(axes: Axes, plot: Plot, style: Style, x_style: Style, *, stacked: bool) -> None:
    """Along an axis of numbers or times they stand; with names they lie, so that these can be read."""
    lying = plot.scale is Scale.TEXT
    places = plot.series[0].x
    width = 0.8 if lying else 0.8 * _distance(places)
    count = 1 if stacked else len(plot.series)
    above, below = np.zeros(len(places)), np.zeros(len(places))
    for number, (color, one) in enumerate(zip(SERIES, plot.series, strict=False)):
        heights = np.nan_to_num(one.y)
        base = np.where(heights < 0, below, above) if stacked else np.zeros(len(places))
        if stacked:
            above, below = above + np.maximum(heights, 0), below + np.minimum(heights, 0)
        left = places - width / 2 + (0 if stacked else number * width / count)
        _rectangles(axes, left, base, np.full(len(places), width / count), heights, color, lying=lying)
    if lying:
        _finish_lying(axes, plot, style, stacked=stacked)
        return
    around = 0.75 * width if len(places) > 1 else _AROUND
    axes.set_xlim(places.min() - around, places.max() + around)
    _finish(axes, plot, style, x_style, from_zero=True)


def paint_histogram(axes: Axes, plot: Plot, style: Style, x_style: Style) -> None:
    edges: Numbers = plot.edges if plot.edges is not None else np.array([0.0, 1.0])
    widths = np.diff(edges)
    counts = plot.series[0].y
    _rectangles(axes, edges[:-1] + 0.04 * widths, np.zeros(len(counts)), 0.92 * widths, counts, SERIES[0])
    _finish(axes, plot, style, x_style, from_zero=True)


def paint_heat_map(axes: Axes, plot: Plot, style: Style, x_style: Style) -> list[tuple[str, str]]:
    """Returns what its colours stand for, from the lowest value to the highest."""
    values = np.vstack([one.y for one in plot.series])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    level = np.nan_to_num((values - low) / ((high - low) or 1.0), nan=-1.0) * (_LEVELS - 1)
    colors = [to_hex(color) for color in _HEAT_MAP(np.linspace(0, 1, _LEVELS))]
    for number, color in enumerate(colors):
        rows, columns = np.nonzero((np.round(level) == number) & np.isfinite(values))
        if len(rows):
            one = np.ones(len(rows))
            _rectangles(axes, columns - 0.5, rows - 0.5, one, one, color, smooth=False)
    names = plot.names or [position_in_words(plot, value, x_style) for value in plot.series[0].x]
    name_axis(axes.xaxis, names, 24 if max(map(len, names)) <= 4 else 10)
    name_axis(axes.yaxis, [one.name for one in plot.series], 40)
    axes.set_xlim(-0.5, values.shape[1] - 0.5)
    axes.set_ylim(values.shape[0] - 0.5, -0.5)
    axes.grid(visible=False)
    axes.spines.bottom.set_visible(False)
    shares = (0, 0.25, 0.5, 0.75, 1) if high > low else (0,)
    return [(colors[round(at * (_LEVELS - 1))], text(low + at * (high - low), style)) for at in shares]


def position_in_words(plot: Plot, value: float, style: Style) -> str:
    """What stands at a position of the x axis: a name, a day, a number."""
    if plot.names:
        return plot.names[int(value)]
    if plot.scale is Scale.TIME:
        moment = np.datetime64(0, "us") + np.timedelta64(round(value * 86_400_000_000), "us")
        whole = float(value).is_integer()
        return str(moment.astype("datetime64[D]" if whole else "datetime64[m]")).replace("T", " ")
    if plot.scale is Scale.CLOCK:
        return f"{int(value) // 3600:02}:{int(value) // 60 % 60:02}"
    return ValueFormatter(style, years=True)(value)


def _rectangles(
    axes: Axes,
    left: _Floats,
    base: _Floats,
    widths: _Floats,
    heights: _Floats,
    color: str,
    *,
    lying: bool = False,
    smooth: bool = True,
) -> None:
    """Many as one path: a year of bars, each an element of its own, would take most of the page."""
    x = np.stack([left, left, left + widths, left + widths, left], axis=1)
    y = np.stack([base, base + heights, base + heights, base, base], axis=1)
    corners = np.stack([y, x] if lying else [x, y], axis=2)[heights != 0].reshape(-1, 2)
    if not len(corners):
        return
    codes = np.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(corners) // 5)
    axes.add_patch(PathPatch(Path(corners, codes), facecolor=color, linewidth=0, antialiased=smooth))
    axes.update_datalim(corners)
    axes.autoscale_view()


def _distance(places: Numbers) -> float:
    return float(np.diff(places).min()) if len(places) > 1 else 1.0


def _finish(axes: Axes, plot: Plot, style: Style, x_style: Style, *, from_zero: bool = False) -> None:
    xs = np.concatenate([one.x for one in plot.series])
    ys = np.concatenate([one.y for one in plot.series])
    if plot.names:
        name_axis(axes.xaxis, plot.names, max(3, min(16, 100 // max(map(len, plot.names)))))
    else:
        if len(np.unique(xs[np.isfinite(xs)])) == 1 and not from_zero:
            axes.set_xlim(np.nanmin(xs) - _AROUND, np.nanmin(xs) + _AROUND)
        scale_axis(axes.xaxis, plot.scale, xs, x_style)
    value_axis(axes.yaxis, style, ys)
    if from_zero:
        low, high = axes.get_ylim()
        least, most = min(0.0, float(np.nanmin(ys))), max(0.0, float(np.nanmax(ys)))
        axes.set_ylim(low if least < 0 else 0, (high if most > 0 else 0) or (0 if least < 0 else 1))
    if np.nanmin(ys) < 0 and (from_zero or np.nanmax(ys) > 0):
        axes.axhline(0, color=MUTED, linewidth=0.6)


def _finish_lying(axes: Axes, plot: Plot, style: Style, *, stacked: bool) -> None:
    axes.set_ylim(len(plot.names) - 0.4, -0.6)
    name_axis(axes.yaxis, plot.names, _LABELLED)
    values = np.concatenate([one.y for one in plot.series])
    value_axis(axes.xaxis, style, values)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.axvline(0, color=MUTED, linewidth=0.6)
    axes.spines.bottom.set_visible(False)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0), max(high, 0))
    if len(plot.series) == 1 and not stacked:
        _label_ends(axes, plot, style)


def _label_ends(axes: Axes, plot: Plot, style: Style) -> None:
    """The value behind each bar."""
    low, high = axes.get_xlim()
    axes.set_xlim(low, high + 0.1 * (high - low))
    for place, value in enumerate(plot.series[0].y):
        if np.isfinite(value):
            axes.annotate(
                text(float(value), style),
                (max(float(value), 0), place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
            )
