"""The workbook: which sheets it has, in which order."""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from report_worker.files.checking import part
from report_worker.files.columns import columns_of
from report_worker.files.data_steps import data_results
from report_worker.files.document import Document
from report_worker.files.filling import Values, heading, result_of
from report_worker.files.naming import file_name, sheet_name
from report_worker.files.reading import Source
from report_worker.files.xlsx.charts import Charts
from report_worker.files.xlsx.cover import Cover
from report_worker.files.xlsx.sheets import DataSheet, Formats, write_sheets
from waybill.definitions import Block, Chart, ChartBlock, ChartType, Table, TableBlock, blocks_of
from waybill.kinds import Artefact

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 - fixed, so that equal reports are equal files
_LARGE = 20_000_000
"""Cells, from which a file may be larger than a plain ZIP can be."""


def write_xlsx(document: Document, folder: Path) -> list[Artefact]:
    """Rows go to the disk as they come: what is in memory does not grow with them."""
    path = folder / file_name(document.definition, document.parameters, "xlsx")
    with TemporaryDirectory(dir=folder) as scratch:
        options = {
            "constant_memory": True,
            "tmpdir": scratch,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with Workbook(str(path), options) as workbook:
            _Writer(document, workbook).write()
    return [Artefact(path, MEDIA_TYPE, path.name)]


class _Writer:
    def __init__(self, document: Document, workbook: Workbook) -> None:
        self._document = document
        self._workbook = workbook
        self._values = Values(document)
        self._formats = Formats(workbook)
        self._taken: set[str] = set()
        self._cells = 0

    def write(self) -> None:
        title = heading(self._document, self._values)
        self._workbook.set_properties({"title": title, "created": _CREATED})
        cover = Cover(self._workbook, self._add("Report"), self._formats)
        drawn = [one for one in self._chart_blocks() if one.type is not ChartType.HEAT_MAP]
        charts = Charts(self._workbook, self._add("Charts") if drawn else None, self._add, self._formats)
        sheets = [*self._tables(), *self._data()]
        self._charts(charts, sheets)
        cover.write(self._document, self._values, sheets)
        if self._cells > _LARGE:
            self._workbook.use_zip64()

    def _add(self, title: str) -> Worksheet:
        name = sheet_name(title, self._taken)
        self._taken.add(name.lower())
        return self._workbook.add_worksheet(name)

    def _blocks(self) -> list[Block]:
        return [block for section in self._document.definition.sections for block in section.blocks]

    def _tables(self) -> list[DataSheet]:
        tables = [block.table for block in self._blocks() if isinstance(block, TableBlock)]
        return [self._sheet(one.source, one) for one in tables if one.source not in self._document.missing]

    def _data(self) -> list[DataSheet]:
        """Of the results that no table shows."""
        shown = {block.table.source for block in self._blocks() if isinstance(block, TableBlock)}
        return [
            self._sheet(result.name, None)
            for result in data_results(self._document)
            if result.name not in shown
        ]

    def _sheet(self, step: str, table: Table | None) -> DataSheet:
        titles = {one.name: one.title or one.name for one in self._document.definition.steps}
        title = self._values.fill(table.title) if table and table.title else titles.get(step, step)
        with Source(result_of(self._document, step)) as source:
            columns = columns_of(source, table)
            if table and table.group_by and source.find(table.group_by) not in [one.place for one in columns]:
                columns = [columns_of(source, None)[source.find(table.group_by)], *columns]
            self._cells += source.rows * len(columns)
            return write_sheets(source, columns, title, self._add, self._formats)

    def _chart_blocks(self) -> list[Chart]:
        charts = [block.chart for block in self._blocks() if isinstance(block, ChartBlock)]
        return [one for one in charts if one.source not in self._document.missing]

    def _charts(self, charts: Charts, sheets: list[DataSheet]) -> None:
        missing = self._document.missing
        for path, block in blocks_of(self._document.definition):
            if not isinstance(block, ChartBlock) or block.chart.source in missing:
                continue
            title = self._values.fill(block.chart.title) if block.chart.title else "Chart"
            with part(path), Source(result_of(self._document, block.chart.source)) as source:
                charts.write(source, block.chart, title, sheets)
