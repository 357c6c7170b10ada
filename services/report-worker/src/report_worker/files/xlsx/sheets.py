"""Sheets with the rows of a result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import types
from xlsxwriter.utility import xl_range_abs
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from report_worker.files.columns import Shown, total_style
from report_worker.files.formats import Style, number_format
from report_worker.files.normal import normal
from report_worker.files.reading import Source
from report_worker.files.totals import totals
from report_worker.files.widths import longest_words
from report_worker.files.xlsx.cells import cells_of, text_cell
from waybill.definitions import Format, Total

MAX_ROWS = 1_048_575
"""Of data on a sheet: one is the header."""
_NARROWEST, _WIDEST = 8, 60
_SUBTOTALS = {Total.SUM: 109, Total.MEAN: 101, Total.MIN: 105, Total.MAX: 104, Total.COUNT: 103}
"""Excel's functions that leave out rows that a filter hides."""

Add = Callable[[str], Worksheet]
"""Adds a sheet of that title to the workbook, with a name that is not taken."""


@dataclass(frozen=True)
class DataSheet:
    """Where the rows of a result stand: on each of the sheets from the second line on, `rows` of them."""

    step: str
    columns: list[Shown]
    sheets: list[Worksheet]
    rows: list[int]

    def range_of(self, at: int, sheet: int = 0) -> str:
        """The cells of a column, as a formula names them."""
        name = self.sheets[sheet].get_name().replace("'", "''")
        return f"'{name}'!{xl_range_abs(1, at, max(self.rows[sheet], 1), at)}"


class Formats:
    """The formats of a workbook, each made once."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._made: dict[tuple[str, bool, bool], Any] = {}
        self.header = workbook.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#eceff2"}
        )
        self.header_right = workbook.add_format(
            {
                "bold": True,
                "bottom": 1,
                "text_wrap": True,
                "valign": "top",
                "align": "right",
                "bg_color": "#eceff2",
            }
        )

    def of(self, style: Style, *, total: bool = False, left: bool = False) -> Any:
        """None for what needs none. `left`: on the first sheet, where numbers stand with texts."""
        key = number_format(style), total, left
        given: dict[str, Any] = {} if key[0] == "General" else {"num_format": key[0]}
        given |= {"bold": True, "top": 1} if total else {}
        given |= {"bold": True, "align": "left"} if left else {}
        if given and key not in self._made:
            self._made[key] = self._workbook.add_format(given)
        return self._made.get(key)


def write_sheets(
    source: Source, columns: Sequence[Shown], title: str, add: Add, formats: Formats
) -> DataSheet:
    """All rows, on as many sheets as they need, with the totals below the last."""
    written = DataSheet(source.name, list(columns), [], [])
    _Rows(source, written, title, add, formats).write()
    if any(one.total for one in columns):
        _write_totals(source, written, formats)
    return written


class _Rows:
    def __init__(self, source: Source, target: DataSheet, title: str, add: Add, formats: Formats) -> None:
        self._source = source
        self._target = target
        self._title = title
        self._add = add
        self._formats = formats
        has_total = any(one.total for one in target.columns)
        self._fit = MAX_ROWS - (1 if has_total else 0)

    def write(self) -> None:
        columns = self._target.columns
        places = sorted({one.place for one in columns})
        self._begin(_widths(self._source, columns))
        for batch in self._source.batches(places):
            done = 0
            while done < batch.num_rows:
                room = self._fit - self._target.rows[-1]
                if not room:
                    self._begin(_widths(self._source, columns))
                    room = self._fit
                self._write_batch(batch.slice(done, room))
                done += min(room, batch.num_rows - done)
        for sheet, rows in zip(self._target.sheets, self._target.rows, strict=True):
            sheet.autofilter(0, 0, rows, len(columns) - 1)

    def _begin(self, widths: Sequence[float]) -> None:
        sheet = self._add(self._title)
        self._target.sheets.append(sheet)
        self._target.rows.append(0)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        for at, (column, width) in enumerate(zip(self._target.columns, widths, strict=True)):
            sheet.set_column(at, at, width)
            right = column.style.is_number or column.style.format in (
                Format.DATE,
                Format.DATETIME,
                Format.TIME,
            )
            sheet.write_string(
                0, at, header_of(column), self._formats.header_right if right else self._formats.header
            )

    def _write_batch(self, batch: pa.RecordBatch) -> None:
        sheet, row = self._target.sheets[-1], self._target.rows[-1] + 1
        columns = self._target.columns
        cells = [cells_of(batch.column(f"c{one.place}"), one.style) for one in columns]
        given = [self._formats.of(one.style) for one in columns]
        for values in zip(*cells, strict=True):
            for at, value in enumerate(values):
                if value is not None:
                    write_cell(sheet, row, at, value, given[at])
            row += 1
        self._target.rows[-1] = row - 1


def write_cell(sheet: Worksheet, row: int, at: int, value: Any, given: Any) -> None:
    kind = type(value)
    if kind is float or kind is int:
        sheet.write_number(row, at, value, given)
    elif kind is bool:
        sheet.write_boolean(row, at, value, given)
    else:
        sheet.write_string(row, at, value, given)


def header_of(column: Shown) -> str:
    return text_cell(f"{column.title} ({column.zone})" if column.zone else column.title)


def _widths(source: Source, columns: Sequence[Shown]) -> list[float]:
    """In characters, by the header and the first rows."""
    widths = []
    for column, longest in zip(columns, longest_words(source, columns), strict=True):
        extra = 3 if column.style.format in (Format.DATETIME, Format.DURATION) else 0
        wide = max(longest + extra, *(len(word) + 3 for word in header_of(column).split() or [""]))
        widths.append(float(min(max(wide + 1, _NARROWEST), _WIDEST)))
    return widths


def _write_totals(source: Source, target: DataSheet, formats: Formats) -> None:
    """Formulas, with their values for readers that do not compute; a value where Excel would give another."""
    wanted = [(one.place, one.total) for one in target.columns if one.total]
    values = iter(totals(source, wanted))
    sheet, row = target.sheets[-1], target.rows[-1] + 1
    labelled = False
    for at, column in enumerate(target.columns):
        if column.total is None:
            if not labelled:
                sheet.write_string(row, at, "Total", formats.of(Style(), total=True))
            labelled = True
            continue
        style = total_style(column)
        value = _total_cell(next(values), style)
        given = formats.of(style, total=True)
        if value is None:
            continue
        if isinstance(value, str) or not _can_compute(source.types[column.place], column):
            write_cell(sheet, row, at, value, given)
            continue
        ranges = ",".join(target.range_of(at, number) for number in range(len(target.sheets)))
        sheet.write_formula(row, at, f"=SUBTOTAL({_SUBTOTALS[column.total]},{ranges})", given, value)


def _total_cell(value: Any, style: Style) -> Any:
    return None if value is None else cells_of(_one(value), style)[0]


def _one(value: Any) -> pa.Array:
    return normal(pa.array([value]))


def _can_compute(kind: pa.DataType, column: Shown) -> bool:
    if column.total is Total.COUNT:
        return True
    return not (types.is_boolean(kind) or types.is_large_string(kind))
