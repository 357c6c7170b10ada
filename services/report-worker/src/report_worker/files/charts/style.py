"""How every chart looks, and how its colours follow the page's theme."""

import re
from typing import Any

WIDTH = 7.1
"""Inches: the width of the text on an A4 page."""

INK, MUTED, RULE = "#1f2933", "#5f6b77", "#d9dee4"
SERIES = ("#2a6ca8", "#c4583a", "#42949c", "#660344", "#7b3606", "#2288e8", "#944561", "#3a1688")
"""Each distinct from all others for readers who see red and green alike; so are those of the dark page."""
HEAT = ("#e1ecf5", "#8fb3d1", "#2a6ca8", "#12406e")
"""Of a heat map, from the lowest value to the highest: from light to dark, which also grey shows."""

_VARIABLES = {INK: "--ink", MUTED: "--muted", RULE: "--rule"} | {
    color: f"--s{number}" for number, color in enumerate(SERIES, 1)
}
_COLOR = re.compile("|".join(_VARIABLES))

RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "text.color": INK,
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": MUTED,
    "axes.titlelocation": "left",
    "axes.titlesize": 7,
    "axes.xmargin": 0.02,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 3,
    "xtick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.color": MUTED,
    "ytick.major.size": 0,
}


def themed(svg: str) -> str:
    """With the page's variables in place of the colours that it has in them."""
    return _COLOR.sub(lambda found: f"var({_VARIABLES[found[0]]})", svg)
