"""The charts, as SVG elements to stand in a page: their text is text, and they fetch nothing.

matplotlib keeps a font cache in `MPLCONFIGDIR`, which should be writable: the image sets it.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from html import escape
from io import StringIO
from math import nan
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from report_worker.kinds.flights.figures import Group
from report_worker.kinds.flights.words import day_in_words, minutes, percent
from waybill.kinds.flights import Period

WIDTH = 7.1
"""Inches: the width of the text on an A4 page."""

INK, MUTED, RULE = "#1f2933", "#5f6b77", "#d9dee4"
BLUE, BAND = "#2f5d8a", "#dde7f0"
VERY_LATE, CANCELLED = "#c4583a", "#39424d"

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "text.color": INK,
    "legend.borderaxespad": 0,
    "legend.borderpad": 0.2,
    "legend.frameon": False,
    "legend.handleheight": 0.9,
    "legend.handlelength": 0.9,
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 7.5,
    "axes.titleweight": "bold",
    "axes.xmargin": 0.02,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.color": MUTED,
    "ytick.major.size": 0,
}


def draw_days(days: Sequence[Group[date]], worst: Group[date] | None, period: Period) -> str:
    """The share of each day's flights that were cancelled or very late, with the worst day named."""
    highest = worst.punctuality.disrupted_share if worst else 0.0
    label = f"{day_in_words(worst.key)}: {percent(highest)}" if worst else "No day had any"

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        places = [(day.key - period.first).days for day in days]
        cancelled = [day.punctuality.cancelled_share for day in days]
        disrupted = [day.punctuality.disrupted_share for day in days]
        width = 1.0 if period.days > 100 else 0.8
        _paint_bars(axes, places, width, disrupted, color=VERY_LATE, label="an hour late")
        _paint_bars(axes, places, width, cancelled, color=CANCELLED, label="cancelled")
        axes.set_xlim(-0.6, period.days - 0.4)
        axes.set_ylim(0, max(0.1, 1.2 * highest))
        axes.set_xticks(*_day_ticks(period))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
        if worst:
            _name_bar(axes, (worst.key - period.first).days, highest, label)
        figure.legend(loc="outside upper left", ncols=2)

    return _draw("days", "Flights cancelled or an hour late, by day", f"The worst day. {label}.", 2.0, paint)


def draw_hours(hours: Sequence[Group[int]]) -> str:
    """Mean and median delay by hour of the scheduled departure, over the range of the middle half.

    In each of the hours at least one flight departed.
    """

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        by_place = {hour.key: hour.punctuality for hour in hours}
        places = range(hours[0].key, hours[-1].key + 1)

        def line(name: str) -> list[float]:
            return [getattr(by_place[place], name) if place in by_place else nan for place in places]

        lower, upper = line("lower_quartile"), line("upper_quartile")
        axes.fill_between(
            places, lower, upper, color=BAND, linewidth=0, label="the middle half of the flights"
        )
        axes.plot(places, line("mean"), "o-", color=VERY_LATE, ms=3, label="mean")
        axes.plot(places, line("median"), "o-", color=BLUE, ms=3, label="median")
        axes.axhline(0, color=MUTED, linewidth=0.6)
        axes.set_xticks(places, [f"{place:02}:00" for place in places])
        axes.set_ylabel("minutes late")
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        figure.legend(loc="outside upper left", ncols=3)

    spoken = ", ".join(f"{hour.name} {minutes(hour.punctuality.mean)}" for hour in hours)
    return _draw(
        "hours", "Departure delay by scheduled hour", f"Mean delay in minutes: {spoken}.", 2.0, paint
    )


def draw_weather(bands: Sequence[Group[str]]) -> str:
    """Mean delay by visibility, precipitation and wind, side by side on one scale."""
    factors = list(dict.fromkeys(band.key for band in bands))
    means = [0.0, *(band.punctuality.mean for band in bands if band.punctuality.mean is not None)]

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(factors), sharex=True, squeeze=False)[0]
        for axes, factor in zip(panels, factors, strict=True):
            _paint_factor(axes, [band for band in bands if band.key == factor])
            axes.set_title(factor)
        panels[0].set_xlim(min(means), 1.25 * max(means) or 1)

    spoken = "; ".join(f"{band.key} {band.name}: {minutes(band.punctuality.mean)} minutes" for band in bands)
    return _draw("weather", "Mean departure delay by weather", f"{spoken}.", 1.3, paint)


def _paint_bars(
    axes: Axes, places: Sequence[int], width: float, heights: Sequence[float], **style: Any
) -> None:
    """Bars as one outline: a year of them as rectangles would take longer than all else in the page."""
    edges = [place + side * width / 2 for place in places for side in (-1, 1)]
    outline = [height for bar in heights for height in (bar, 0.0)][:-1]
    axes.stairs(outline, edges, fill=True, **style)


def _paint_factor(axes: Axes, bands: Sequence[Group[str]]) -> None:
    """One panel: a bar for each band with its number after it, from the right of zero if it is negative."""
    for place, band in enumerate(bands):
        mean = band.punctuality.mean
        axes.barh(place, mean or 0, 0.62, color=BLUE)
        after = (max(mean or 0, 0), place)
        axes.annotate(minutes(mean), after, xytext=(3, 0), textcoords="offset points", va="center")
    axes.axvline(0, color=MUTED, linewidth=0.6)
    axes.set_ylim(3.5, -0.5)
    axes.set_xticks([])
    axes.set_yticks(range(len(bands)), [band.name for band in bands])
    axes.grid(visible=False)
    axes.spines.bottom.set_visible(False)


def _day_ticks(period: Period) -> tuple[list[int], list[str]]:
    """At most a dozen: the months' first days in a long period, else days at equal distances."""
    days = [period.first + timedelta(days=number) for number in range(period.days)]
    if period.days > 62:
        firsts = [number for number, day in enumerate(days) if day.day == 1]
        return firsts, [f"{days[number]:%b}" for number in firsts]
    chosen = range(0, period.days, -(-period.days // 12))
    return list(chosen), [f"{days[number].day} {days[number]:%b}" for number in chosen]


def _name_bar(axes: Axes, place: float, height: float, label: str) -> None:
    """Writes above a bar, without leaving the chart at either side."""
    left, right = axes.get_xlim()
    side = (place - left) / (right - left)
    align = "left" if side < 0.15 else "right" if side > 0.85 else "center"
    axes.annotate(
        label,
        (place, height),
        xytext=(0, 4),
        textcoords="offset points",
        ha=align,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )


def _draw(name: str, title: str, description: str, height: float, paint: Callable[[Figure], None]) -> str:
    """Paints a figure of that height in inches; equal input gives equal text."""
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        paint(figure)
        text = StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _as_element(text.getvalue(), name, title, description)


def _as_element(document: str, name: str, title: str, description: str) -> str:
    """Cuts what only a file of its own needs, and adds what a screen reader says.

    Matplotlib numbers its groups from 1 in each chart, so their ids would not be unique in the page.
    """
    element = document[document.index("<svg") :].rstrip()
    element = re.sub(r"\s*<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r"\s*<style[^>]*>.*?</style>", "", element, flags=re.DOTALL)
    element = re.sub(r'<g id="[^"]*"', "<g", element)
    spoken = (
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>'
    )
    head, rest = element.split(">", 1)
    return f'{head} role="img" aria-labelledby="{name}-title {name}-text">{spoken}{rest}'
