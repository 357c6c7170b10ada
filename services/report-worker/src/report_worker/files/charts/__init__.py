"""Charts as SVG elements to stand in a page: their text is text, and they fetch nothing."""

from report_worker.files.charts.collecting import collect
from report_worker.files.charts.drawing import ChartView, draw
from report_worker.files.charts.plots import Plot, Series
from report_worker.files.charts.points import Scale, points_of

__all__ = ["ChartView", "Plot", "Scale", "Series", "collect", "draw", "points_of"]
