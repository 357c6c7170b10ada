"""The first sheet: heading, parameters, figures, and what the other sheets are."""

from collections.abc import Sequence

from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from report_worker.files.document import Document
from report_worker.files.filling import Values, heading
from report_worker.files.words import clean, parameters_in_words
from report_worker.files.xlsx.cells import cells_of, text_cell
from report_worker.files.xlsx.sheets import DataSheet, Formats, write_cell
from waybill.definitions import FiguresBlock


class Cover:
    """Lines from the top down."""

    def __init__(self, workbook: Workbook, sheet: Worksheet, formats: Formats) -> None:
        self._sheet = sheet
        self._formats = formats
        self._row = 0
        self._title = workbook.add_format({"bold": True, "font_size": 16})
        self._label = workbook.add_format({"font_color": "#5f6b77"})
        self._value = workbook.add_format({"bold": True, "align": "left"})
        self._note = workbook.add_format({"text_wrap": True, "valign": "top"})
        self._head = workbook.add_format({"bold": True, "font_size": 12})
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 44)
        sheet.hide_gridlines(2)

    def write(self, document: Document, values: Values, sheets: Sequence[DataSheet]) -> None:
        self._line(heading(document, values), self._title)
        self._line(clean(document.definition.description), self._label)
        self._row += 1
        for title, words in parameters_in_words(document.definition, document.parameters):
            self._pair(title, words)
        self._figures(document, values)
        self._sheets(sheets)
        self._missing(document)

    def _line(self, words: str, given: object) -> None:
        self._sheet.write_string(self._row, 0, text_cell(words), given)
        self._row += 1

    def _pair(self, label: str, words: str) -> None:
        self._sheet.write_string(self._row, 0, text_cell(label), self._label)
        self._sheet.write_string(self._row, 1, text_cell(words), self._value)
        self._row += 1

    def _figures(self, document: Document, values: Values) -> None:
        blocks = [block for section in document.definition.sections for block in section.blocks]
        figures = [one for block in blocks if isinstance(block, FiguresBlock) for one in block.figures]
        if not figures:
            return
        self._row += 1
        self._line("Figures", self._head)
        for figure in figures:
            self._sheet.write_string(self._row, 0, text_cell(figure.label), self._label)
            value, style = values.first(figure)
            for cell in cells_of(value, style):
                if cell is not None:
                    write_cell(self._sheet, self._row, 1, cell, self._formats.of(style, left=True))
            self._row += 1

    def _sheets(self, sheets: Sequence[DataSheet]) -> None:
        self._row += 1
        self._line("Sheets", self._head)
        for one in sheets:
            name = one.sheets[0].get_name()
            target = name.replace("'", "''")
            self._sheet.write_url(self._row, 0, f"internal:'{target}'!A1", string=text_cell(name))
            rows = sum(one.rows)
            self._sheet.write_string(self._row, 1, f"{rows:,} row{'' if rows == 1 else 's'}", self._label)
            self._row += 1

    def _missing(self, document: Document) -> None:
        if not document.missing:
            return
        self._row += 1
        self._line("What is missing, since a step failed", self._head)
        titles = {one.name: one.title or one.name for one in document.definition.steps}
        for step, reason in document.missing.items():
            self._sheet.write_string(self._row, 0, text_cell(titles.get(step, step)), self._label)
            self._sheet.write_string(self._row, 1, text_cell(reason), self._note)
            self._row += 1
