"""The columns of a table, and how the values of each are shown."""

from dataclasses import dataclass, replace
from typing import Any

from pyarrow import types

from report_worker.files.formats import Style, style_of, text
from report_worker.files.limits import MAX_TEXT
from report_worker.files.normal import python_values
from report_worker.files.reading import Source
from report_worker.files.words import clean, title_of
from waybill.definitions import Column, Format, Table, Total


@dataclass(frozen=True)
class Shown:
    """A column of a table: which of the result, and how it is shown. `zone`: that of its times."""

    place: int
    title: str
    style: Style
    total: Total | None = None
    bar: bool = False
    zone: str | None = None


def columns_of(source: Source, table: Table | None, sample: int = 500) -> list[Shown]:
    """The columns of a table, or all of the result, with formats that suit their first rows."""
    given: list[Column | str | None] = [*((table.columns if table else None) or [])]
    given = given or [None] * len(source.names)
    places = [
        place if one is None else source.find(one if isinstance(one, str) else one.name)
        for place, one in enumerate(given)
    ]
    first = source.head(sample, sorted(set(places)))
    return [
        shown_column(
            source, place, one if isinstance(one, Column) else None, python_values(first.column(f"c{place}"))
        )
        for place, one in zip(places, given, strict=True)
    ]


def shown_column(source: Source, place: int, column: Column | None, sample: list[Any]) -> Shown:
    kind = source.types[place]
    return Shown(
        place=place,
        title=clean((column and column.title) or title_of(source.names[place])),
        style=style_of(kind, column, sample),
        total=column.total if column else None,
        bar=column.bar if column else False,
        zone=kind.tz if types.is_timestamp(kind) else None,
    )


def words_of(value: Any, style: Style) -> str:
    words = clean(text(value, style))
    return words if len(words) <= MAX_TEXT else words[:MAX_TEXT] + "…"


def total_style(column: Shown) -> Style:
    """Of the column's total: a count is a number, and a mean of whole numbers has a decimal."""
    if column.total is Total.COUNT:
        return column.style.as_count()
    style = column.style
    if style.format is Format.TEXT and column.total in (Total.SUM, Total.MEAN):
        style = style.as_count()
    if column.total is Total.MEAN and style.format is Format.NUMBER and not style.decimals:
        return replace(style, decimals=1)
    return style
