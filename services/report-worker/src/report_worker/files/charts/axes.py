"""Ticks and their labels, by the scale of an axis."""

import re
from collections.abc import Sequence

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import Formatter, MaxNLocator, MultipleLocator

from report_worker.files.charts.plots import Numbers
from report_worker.files.charts.points import Scale
from report_worker.files.formats import Style, duration, needed_decimals, text
from waybill.definitions import Format

_MOST_NAMES = 16
_YEARS = 10_000
"""Up to here whole numbers below an axis have no separators: they may be years."""


class ValueFormatter(Formatter):
    """Values in a style, with as many decimals as the ticks need."""

    def __init__(self, style: Style, *, years: bool = False) -> None:
        self._style = style
        self._years = years

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        style = self._style
        if style.format in (Format.NUMBER, Format.PERCENT, Format.MONEY, Format.TEXT):
            factor = 100 if style.format is Format.PERCENT else 1
            kept = Format.NUMBER if style.format is Format.TEXT else style.format
            decimals = needed_decimals([float(value) * factor for value in values])
            style = Style(kept, decimals, style.currency, style.unit)
        written = [text(float(value), style) for value in values]
        small = self._years and all(0 <= value < _YEARS for value in values)
        return [one.replace(",", "") for one in written] if small else written

    def __call__(self, value: float, _: int | None = None) -> str:
        return self.format_ticks([value])[0]


class _Clock(Formatter):
    def __call__(self, value: float, _: int | None = None) -> str:
        minutes = round(value / 60)
        return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


class _Length(Formatter):
    def __call__(self, value: float, _: int | None = None) -> str:
        return re.sub(r" 00 \w+$", "", duration(value))


def scale_axis(axis: Axis, scale: Scale, values: Numbers, style: Style) -> None:
    """Ticks for positions of this scale: of a text axis `name_axis` has them."""
    known = values[np.isfinite(values)]
    if scale is Scale.TIME:
        locator = mdates.AutoDateLocator(minticks=3, maxticks=10)  # type: ignore[no-untyped-call]
        axis.set_major_locator(locator)
        axis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    elif scale is Scale.CLOCK:
        axis.set_major_locator(MultipleLocator(_clock_step(known)))
        axis.set_major_formatter(_Clock())
    elif scale is Scale.LENGTH:
        axis.set_major_locator(MultipleLocator(_length_step(known)))
        axis.set_major_formatter(_Length())
    else:
        whole = bool(len(known)) and bool(np.all(known == np.round(known)))
        axis.set_major_locator(MaxNLocator(10, integer=whole))
        axis.set_major_formatter(ValueFormatter(style, years=True))


def name_axis(axis: Axis, names: Sequence[str], most: int = _MOST_NAMES) -> None:
    """The names at their places; of many, every second, third …"""
    step = -(-len(names) // most) if names else 1
    places = range(0, len(names), step)
    axis.set_ticks(list(places), [names[at] for at in places])


def value_axis(axis: Axis, style: Style, values: Numbers) -> None:
    """Ticks of what is measured."""
    known = values[np.isfinite(values)]
    if style.format is Format.DURATION:
        axis.set_major_locator(MultipleLocator(_length_step(known)))
        axis.set_major_formatter(_Length())
        return
    whole = bool(len(known)) and bool(np.all(known == np.round(known)))
    axis.set_major_locator(MaxNLocator(5, integer=whole and style.format is not Format.PERCENT))
    axis.set_major_formatter(ValueFormatter(style))


_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)


def _length_step(values: Numbers) -> float:
    reach = float(max(np.ptp(values), abs(values).max())) if len(values) else 1.0
    for step in _STEPS:
        if reach / step <= 6:
            return step if reach >= 1 else max(reach / 5, 1e-6)
    return 86_400.0 * -(-reach // (6 * 86_400))


def _clock_step(values: Numbers) -> float:
    reach = float(np.ptp(values)) if len(values) else 1.0
    return next((step for step in _STEPS if step >= 60 and reach / step <= 10), 10_800)
