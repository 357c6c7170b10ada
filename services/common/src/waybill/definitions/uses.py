"""Where what a report shows names the results of its steps."""

from collections.abc import Iterator
from dataclasses import dataclass

from waybill.definitions import braces
from waybill.definitions.model import (
    Block,
    Chart,
    ChartBlock,
    ChartType,
    Column,
    Definition,
    FiguresBlock,
    Table,
    TableBlock,
    TextBlock,
    Total,
)
from waybill.definitions.yaml_text import Path


@dataclass(frozen=True)
class ColumnUse:
    """A column of a step's result, and the path of the value that names it; within a text also the `place`,
    line and column from 1. With a `total`, the path is that of the total."""

    step: str
    column: str
    path: Path
    place: tuple[int, int] | None = None
    total: Total | None = None


def column_uses(definition: Definition) -> Iterator[ColumnUse]:
    """All of them, in order."""
    for path, text in shown_texts(definition):
        for one in braces.references(text):
            if one.column is not None:
                yield ColumnUse(one.name, one.column, path, line_of(text, one.position))
    for path, block in blocks_of(definition):
        if isinstance(block, FiguresBlock):
            for number, figure in enumerate(block.figures):
                step, _, column = figure.value.partition(".")
                yield ColumnUse(step, column, (*path, "figures", number, "value"))
        elif isinstance(block, TableBlock):
            yield from _of_table(block.table, (*path, "table"))
        elif isinstance(block, ChartBlock):
            yield from _of_chart(block.chart, (*path, "chart"))


def blocks_of(definition: Definition) -> Iterator[tuple[Path, Block]]:
    """Of all sections, each with its path."""
    for number, section in enumerate(definition.sections):
        for place, block in enumerate(section.blocks):
            yield ("sections", number, "blocks", place), block


def shown_texts(definition: Definition) -> Iterator[tuple[Path, str]]:
    """The texts that are filled with results, each with its path."""
    if definition.heading is not None:
        yield ("heading",), definition.heading
    for number, section in enumerate(definition.sections):
        if section.title is not None:
            yield ("sections", number, "title"), section.title
    for path, block in blocks_of(definition):
        if isinstance(block, TextBlock):
            yield (*path, "text"), block.text
        for key, part in (("table", getattr(block, "table", None)), ("chart", getattr(block, "chart", None))):
            if part is not None and part.title is not None:
                yield (*path, key, "title"), part.title


def line_of(text: str, position: int) -> tuple[int, int]:
    """Line and column, from 1, of a position from 0."""
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


def _of_table(table: Table, path: Path) -> Iterator[ColumnUse]:
    for number, column in enumerate(table.columns or ()):
        here: Path = (*path, "columns", number)
        if not isinstance(column, Column):
            yield ColumnUse(table.source, column, here)
            continue
        yield ColumnUse(table.source, column.name, (*here, "name"))
        if column.total is not None:
            yield ColumnUse(table.source, column.name, (*here, "total"), total=column.total)
    if table.group_by is not None:
        yield ColumnUse(table.source, table.group_by, (*path, "group_by"))


def _of_chart(chart: Chart, path: Path) -> Iterator[ColumnUse]:
    """Those that its type draws."""
    keys = {ChartType.HISTOGRAM: ("x",), ChartType.HEAT_MAP: ("x", "y", "value")}
    for key in keys.get(chart.type, ("x", "y", "series")):
        named = getattr(chart, key)
        if isinstance(named, str):
            yield ColumnUse(chart.source, named, (*path, key))
        for number, one in enumerate(named if isinstance(named, list) else ()):
            yield ColumnUse(chart.source, one, (*path, key, number))
