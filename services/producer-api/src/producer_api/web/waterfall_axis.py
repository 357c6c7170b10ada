"""The axis of a waterfall."""

from dataclasses import dataclass
from typing import Final

from producer_api.web.words import in_words

_MOST_TICKS: Final = 5
_ROOM: Final = 3000.0
"""Milliseconds that a growing one has at least for what comes."""
_UNITS: Final = (1, 60, 3600, 86_400)
_STEPS: Final = sorted(
    {
        *(number * 10.0**power for power in range(-6, 0) for number in (1, 2, 5)),
        *(float(number * unit) for unit in _UNITS for number in (1, 2, 5, 10, 15, 30)),
        *(hours * 3600.0 for hours in (3, 6, 12)),
        *(days * 86_400.0 for days in (20, 50, 100, 200, 500, 1000)),
    }
)


@dataclass(frozen=True)
class Tick:
    """`x` in percent of the axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Axis:
    """`length` in milliseconds, and `start` in those since the first span."""

    length: float
    ticks: tuple[Tick, ...]
    start: float = 0.0

    def x(self, milliseconds: float) -> float:
        """In percent; of what is not on the axis, its nearer end."""
        return round(100 * min(max((milliseconds - self.start) / self.length, 0.0), 1.0), 3)

    def has(self, start: float, end: float) -> bool:
        """Whether something of it is to be seen."""
        first, last = self.start + self.length / 1000, self.start + self.length
        return not (start < self.start and end <= first) and not (start >= last and end > last)


def axis_of(length: float, *, grows: bool, start: float = 0.0) -> Axis:
    """Of this number of milliseconds, with a tick at round times after its start: at most five after the
    first. One that `grows` has room for what comes next."""
    length = max(length, 0.001, max(length * 1.2, length + _ROOM) if grows else 0.0)
    seconds = length / 1000
    step = next((one for one in _STEPS if seconds / one <= _MOST_TICKS), seconds)
    count = int(seconds / step + 1e-9)
    ticks = [Tick(round(100 * one * step / seconds, 3), _label(one * step)) for one in range(count + 1)]
    # the label of one at the very end would not be seen
    return Axis(length, tuple(tick for tick in ticks if tick.x <= 94), start)


def _label(seconds: float) -> str:
    if seconds == 0:
        return "0"
    return in_words(seconds) if seconds >= 0.001 else f"{seconds * 1_000_000:.0f} \N{MICRO SIGN}s"
