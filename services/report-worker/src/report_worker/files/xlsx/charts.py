"""Native charts over the cells of the sheets; a heat map is cells in colours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from xlsxwriter.utility import xl_range_abs
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from report_worker.files.charts import Plot, Scale, collect, points_of
from report_worker.files.charts.style import HEAT, SERIES
from report_worker.files.formats import Style, number_format, style_of
from report_worker.files.reading import Source
from report_worker.files.words import clean
from report_worker.files.xlsx.cells import text_cell
from report_worker.files.xlsx.sheets import Add, DataSheet, Formats
from waybill.definitions import Chart, ChartType, Format

_MAX_DIRECT = 5000
"""Rows of a sheet over which a chart is drawn; of more, what the page shows has a sheet of its own."""
_HEIGHT_ROWS, _WIDTH, _HEIGHT = 19, 860, 360
_KINDS = {
    ChartType.BAR: {"type": "column"},
    ChartType.STACKED_BAR: {"type": "column", "subtype": "stacked"},
    ChartType.SCATTER: {"type": "scatter"},
    ChartType.HISTOGRAM: {"type": "column"},
}


@dataclass(frozen=True)
class _Range:
    """A series: its name, and the cells of its categories and values, as formulas name them."""

    name: str
    categories: str
    values: str


class Charts:
    """Writes charts one below the other onto one sheet, which is None where there are only heat maps."""

    def __init__(self, workbook: Workbook, sheet: Worksheet | None, add: Add, formats: Formats) -> None:
        self._workbook = workbook
        self._sheet = sheet
        self._add = add
        self._formats = formats
        self._row = 0
        if sheet:
            sheet.hide_gridlines(2)

    def write(self, source: Source, chart: Chart, title: str, sheets: Sequence[DataSheet]) -> None:
        points = points_of(source, chart)
        style = style_of(source.types[points.ys[0]], chart) if points.ys else Style(Format.NUMBER)
        if chart.type is not ChartType.HEAT_MAP and (ranges := _over_a_sheet(source, chart, sheets)):
            self._draw(chart, title, list(ranges), points.x_scale, style)
            return
        plot = collect(points, chart.type, chart.bins)
        if not plot.points:
            self._note(title)
            return
        sheet = self._add(title)
        if chart.type is ChartType.HEAT_MAP:
            _write_heat_map(sheet, plot, self._formats, style)
            return
        if chart.type is ChartType.HISTOGRAM:
            self._draw(chart, title, [_write_histogram(sheet, plot, self._formats)], Scale.TEXT, style)
            return
        ranges_of_plot = _write_plot(sheet, plot, self._formats, style, apart=chart.type is ChartType.SCATTER)
        self._draw(chart, title, ranges_of_plot, plot.scale, style)

    def _draw(self, chart: Chart, title: str, ranges: list[_Range], scale: Scale, style: Style) -> None:
        kind = _KINDS.get(chart.type) or _line_kind(scale)
        drawn = self._workbook.add_chart(kind)
        mark = {"type": "circle", "size": 4}
        for number, one in enumerate(ranges):
            color = SERIES[number % len(SERIES)]
            line = {"color": color, "width": 1.75}
            look: dict[str, object] = {
                "fill": {"color": color},
                "gap": 10 if chart.type is ChartType.HISTOGRAM else 60,
            }
            if chart.type is ChartType.LINE:
                look = {"line": line}
            elif chart.type is ChartType.SCATTER:
                look = {"marker": mark | {"fill": {"color": color}, "border": {"none": True}}}
            drawn.add_series({"name": one.name, "categories": one.categories, "values": one.values} | look)
        drawn.set_title({"name": title, "name_font": {"size": 12}, "overlay": False})
        drawn.set_size({"width": _WIDTH, "height": _HEIGHT})
        drawn.set_legend({"none": True} if len(ranges) == 1 else {"position": "bottom"})
        drawn.set_y_axis(
            _axis(chart.y_title, number_format(style))
            | {"major_gridlines": {"visible": True, "line": {"color": "#d9dee4"}}}
        )
        drawn.set_x_axis(_axis(chart.x_title, _X_FORMATS.get(scale)) | {"label_position": "low"})
        if self._sheet:
            self._sheet.insert_chart(self._row, 0, drawn, {"description": clean(chart.alt or title)})
            self._row += _HEIGHT_ROWS

    def _note(self, title: str) -> None:
        if self._sheet:
            self._sheet.write_string(self._row, 0, text_cell(f"{title}: there are no values to draw."))
            self._row += 2


_X_FORMATS = {Scale.TIME: "yyyy-mm-dd", Scale.CLOCK: "hh:mm", Scale.LENGTH: "[h]:mm"}


def _line_kind(scale: Scale) -> dict[str, str]:
    """Names stand one after the other; numbers and times where they belong."""
    return {"type": "line"} if scale is Scale.TEXT else {"type": "scatter", "subtype": "straight"}


def _axis(title: str | None, written: str | None) -> dict[str, object]:
    given: dict[str, object] = {"name": clean(title), "name_font": {"bold": False}} if title else {}
    if written and written != "General":
        given["num_format"] = written
    return given


def _over_a_sheet(source: Source, chart: Chart, sheets: Sequence[DataSheet]) -> Iterator[_Range] | None:
    """None where the chart is not one of columns that stand on one sheet."""
    if chart.type is ChartType.HISTOGRAM or chart.series or not 0 < source.rows <= _MAX_DIRECT:
        return None
    named = [chart.y] if isinstance(chart.y, str) else chart.y or []
    x, ys = source.find(chart.x), [source.find(one) for one in named]
    for sheet in sheets:
        places = [one.place for one in sheet.columns]
        if sheet.step == source.name and len(sheet.sheets) == 1 and set(places) >= {x, *ys}:
            return (
                _Range(
                    sheet.columns[places.index(y)].title,
                    sheet.range_of(places.index(x)),
                    sheet.range_of(places.index(y)),
                )
                for y in ys
            )
    return None


# --- cells of what is drawn ---------------------------------------------------------------------------


def _cell_range(sheet: Worksheet, first: int, at: int, last: int) -> str:
    name = sheet.get_name().replace("'", "''")
    return f"'{name}'!{xl_range_abs(first, at, last, at)}"


def _position(plot: Plot, value: float) -> float | str:
    if plot.names:
        return text_cell(plot.names[int(value)])
    if plot.scale is Scale.TIME:
        return value + 25_569
    return value / 86_400 if plot.scale in (Scale.CLOCK, Scale.LENGTH) else value


def _x_format(plot: Plot) -> Style:
    formats = {Scale.TIME: Format.DATETIME, Scale.CLOCK: Format.TIME, Scale.LENGTH: Format.DURATION}
    return Style(formats.get(plot.scale, Format.TEXT))


def _write(sheet: Worksheet, row: int, at: int, value: float | str, given: object) -> None:
    if isinstance(value, str):
        sheet.write_string(row, at, value, given)
    elif np.isfinite(value):
        sheet.write_number(row, at, float(value), given)


def _write_plot(sheet: Worksheet, plot: Plot, formats: Formats, style: Style, *, apart: bool) -> list[_Range]:
    """A column of x and one for each series; `apart`, an x for each of them, where they share none."""
    shared = np.unique(np.concatenate([one.x[np.isfinite(one.x)] for one in plot.series]))
    columns: list[tuple[str, list[float | str], Style]] = []
    for number, one in enumerate(plot.series):
        xs = one.x if apart else shared
        if apart or not number:
            columns.append(("x", [_position(plot, value) for value in xs], _x_format(plot)))
        ys = one.y if apart else _at(shared, one.x, one.y)
        columns.append((one.name, [_measured(value, style) for value in ys], style))
    for at, (title, _, _) in enumerate(columns):
        sheet.write_string(0, at, text_cell(title), formats.header)
        sheet.set_column(at, at, 20)
    for row in range(max(len(values) for _, values, _ in columns)):
        for at, (_, values, given) in enumerate(columns):
            if row < len(values):
                _write(sheet, row + 1, at, values[row], formats.of(given))
    places = [
        (2 * number, 2 * number + 1) if apart else (0, number + 1) for number in range(len(plot.series))
    ]
    return [
        _Range(
            one.name,
            _cell_range(sheet, 1, x, len(columns[x][1])),
            _cell_range(sheet, 1, y, len(columns[y][1])),
        )
        for one, (x, y) in zip(plot.series, places, strict=True)
    ]


def _measured(value: float, style: Style) -> float:
    return value / 86_400 if style.format is Format.DURATION else value


def _at(shared: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    values = np.full(len(shared), np.nan)
    known = np.isfinite(x)
    values[np.searchsorted(shared, x[known])] = y[known]
    return values


def _write_histogram(sheet: Worksheet, plot: Plot, formats: Formats) -> _Range:
    for at, title in enumerate(("from", "to", "rows")):
        sheet.write_string(0, at, title, formats.header)
        sheet.set_column(at, at, 20)
    edges = plot.edges if plot.edges is not None else np.zeros(1)
    given = formats.of(_x_format(plot))
    for row, (low, high, count) in enumerate(zip(edges[:-1], edges[1:], plot.series[0].y, strict=True), 1):
        _write(sheet, row, 0, _position(plot, low), given)
        _write(sheet, row, 1, _position(plot, high), given)
        sheet.write_number(row, 2, int(count))
    last = len(edges) - 1
    return _Range("rows", _cell_range(sheet, 1, 0, last), _cell_range(sheet, 1, 2, last))


def _write_heat_map(sheet: Worksheet, plot: Plot, formats: Formats, style: Style) -> None:
    given = formats.of(_x_format(plot))
    for at, value in enumerate(plot.series[0].x, 1):
        _write(sheet, 0, at, _position(plot, value), given or formats.header)
    sheet.set_column(0, 0, 24)
    for row, one in enumerate(plot.series, 1):
        sheet.write_string(row, 0, text_cell(one.name))
        for at, value in enumerate(one.y, 1):
            _write(sheet, row, at, _measured(value, style), formats.of(style))
    scale = {"type": "3_color_scale", "min_color": HEAT[0], "mid_color": HEAT[1], "max_color": HEAT[2]}
    sheet.conditional_format(1, 1, len(plot.series), len(plot.series[0].x), scale)
    sheet.freeze_panes(1, 1)
