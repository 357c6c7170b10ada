"""Tables as a page shows them: the first rows, in groups, with totals over all rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from report_worker.files.columns import Shown, columns_of, shown_column, total_style, words_of
from report_worker.files.formats import count_of
from report_worker.files.limits import Budget
from report_worker.files.normal import python_values
from report_worker.files.reading import Source
from report_worker.files.runs import end_of_run, starts_of_runs
from report_worker.files.totals import check_total, group_totals, totals
from report_worker.files.widths import Layout, fitting, layout, longest_words
from waybill.definitions import Column, Table, Total


@dataclass(frozen=True)
class Bar:
    """In percent of the cell: where it begins, and how long it is."""

    left: float
    width: float
    negative: bool


@dataclass(frozen=True)
class Cell:
    words: str
    bar: Bar | None = None
    caption: str = ""


@dataclass(frozen=True)
class Group:
    """`heading` is None where the table has no groups, `totals` where it has none."""

    heading: tuple[str, str] | None
    rows: list[list[Cell]]
    totals: list[Cell] | None


@dataclass(frozen=True)
class TableView:
    columns: list[Shown]
    groups: list[Group]
    totals: list[Cell] | None
    rows: int
    notes: list[str]
    layout: Layout


def view(source: Source, table: Table, budget: Budget) -> TableView:
    """Raises `PermanentError` where a column is not there, or has no such total."""
    every = columns_of(source, table, table.rows)
    by = None if table.group_by is None else source.find(table.group_by)
    for place, total in _wanted(every):  # also of the group's column, whose totals a page does not show
        check_total(source, place, total)
    without = [one for one in every if one.place != by] or every
    columns = without[: budget.columns]
    longest = longest_words(source, columns, budget.rows_at_most(table.rows, len(columns)))
    if budget.paper:
        columns = columns[: fitting(columns, longest)]
    shown = budget.rows(min(table.rows, source.rows), len(columns))
    needed = sorted({one.place for one in columns} | ({by} if by is not None else set()))
    head = source.head(shown, needed)
    values = {place: python_values(head.column(f"c{place}")) for place in needed}
    rows = _rows(columns, values, head.num_rows)
    return TableView(
        columns=columns,
        groups=_groups(source, table, columns, by, values, rows) if rows else [],
        totals=_total_cells(columns, totals(source, _wanted(columns))) if _has_totals(columns) else None,
        rows=source.rows,
        notes=list(_notes(source.rows, len(rows), len(without), len(columns))),
        layout=layout(columns, longest[: len(columns)], paper=budget.paper),
    )


def _notes(rows: int, shown: int, columns: int, shown_columns: int) -> Iterator[str]:
    if shown < rows:
        yield f"{shown:,} of {count_of(rows, 'row')}; the other files have all."
    if shown_columns < columns:
        yield f"{shown_columns:,} of {count_of(columns, 'column')}; the other files have all."


def _rows(columns: Sequence[Shown], values: dict[int, list[Any]], count: int) -> list[list[Cell]]:
    drawn = [_cells(column, values[column.place]) for column in columns]
    return [list(row) for row in zip(*drawn, strict=True)] if drawn and count else []


def _cells(column: Shown, values: list[Any]) -> Iterator[Cell]:
    bars = _bars(values) if column.bar else [None] * len(values)
    for value, bar in zip(values, bars, strict=True):
        yield Cell(words_of(value, column.style), bar)


def _bars(values: list[Any]) -> list[Bar | None]:
    numbers = [_finite(value) for value in values]
    low = min((one for one in numbers if one is not None), default=0.0)
    high = max((one for one in numbers if one is not None), default=0.0)
    low, high = min(low, 0.0), max(high, 0.0)
    length = (high - low) or 1.0
    return [
        None
        if one is None
        else Bar(100 * (min(one, 0.0) - low) / length, 100 * abs(one) / length, negative=one < 0)
        for one in numbers
    ]


def _finite(value: Any) -> float | None:
    try:
        number = value.total_seconds() if hasattr(value, "total_seconds") else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number - number == 0 else None


def _has_totals(columns: Sequence[Shown]) -> bool:
    return any(one.total for one in columns)


def _wanted(columns: Sequence[Shown]) -> list[tuple[int, Total]]:
    return [(one.place, one.total) for one in columns if one.total]


def _total_cells(columns: Sequence[Shown], values: Sequence[Any]) -> list[Cell]:
    """One for each column; what it is, where it is no sum."""
    given, cells = iter(values), []
    for column in columns:
        if column.total is None:
            cells.append(Cell(""))
            continue
        caption = "" if column.total is Total.SUM else column.total.value
        cells.append(Cell(words_of(next(given), total_style(column)), caption=caption))
    return cells


def _groups(
    source: Source,
    table: Table,
    columns: Sequence[Shown],
    by: int | None,
    values: dict[int, list[Any]],
    rows: list[list[Cell]],
) -> list[Group]:
    if by is None:
        return [Group(None, rows, None)]
    keys = values[by]
    starts = starts_of_runs(keys)
    end = end_of_run(source, by, starts[-1])
    below = group_totals(source, _wanted(columns), starts, end) if _has_totals(columns) else []
    column = _group_column(source, table, by, keys)
    return [
        Group(
            (column.title, words_of(keys[start], column.style)),
            rows[start:stop],
            _total_cells(columns, below[number]) if below else None,
        )
        for number, (start, stop) in enumerate(zip(starts, [*starts[1:], len(rows)], strict=True))
    ]


def _group_column(source: Source, table: Table, by: int, keys: list[Any]) -> Shown:
    given = [one for one in table.columns or () if isinstance(one, Column) and source.find(one.name) == by]
    return shown_column(source, by, given[0] if given else None, keys)
