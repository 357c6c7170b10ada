"""What a chart draws: its points, within limits, and what was left out of it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from report_worker.files.charts.points import Scale

Numbers = NDArray[np.float64]

MAX_POINTS = 5000
"""Of a chart; above, lines are of means, and clouds of a sample."""
MAX_CATEGORIES = 40
"""Bars with names; the others are added up."""
MAX_SERIES = 8
"""As many as there are colours."""
MAX_CELLS = 10_000
"""Of a heat map."""
BINS = 1000
"""Intervals of a line, or of bars, of which there are more points than a chart draws."""
OTHER = "other"


@dataclass(frozen=True)
class Series:
    """`x` are positions on the axis: numbers of its scale, or places in the plot's names. NaN is a gap."""

    name: str
    x: Numbers
    y: Numbers


@dataclass(frozen=True)
class Plot:
    """`names` are those of a text axis, else empty. `edges`: between the intervals of a histogram. The series
    of a heat map are its rows."""

    scale: Scale
    series: list[Series]
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    edges: Numbers | None = None

    @property
    def points(self) -> int:
        """How many of them have a value."""
        return sum(int(np.count_nonzero(np.isfinite(one.y))) for one in self.series)
