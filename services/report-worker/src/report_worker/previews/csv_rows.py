"""The first rows of a CSV file."""

import csv
from codecs import BOM_UTF8
from itertools import zip_longest
from pathlib import Path
from typing import Final

from report_worker.previews.rows import MAX_COLUMNS, MAX_ROWS, Rows, are_numbers, cut

_MOST_READ: Final = 256 * 1024
"""Bytes. A row that is longer than this gives no preview."""


_LONGEST: Final = 64 * 1024
"""Characters of a field."""


def csv_rows(path: Path) -> Rows | None:
    """None where there is no row. Raises `ValueError` and `csv.Error` where it is no CSV in UTF-8."""
    with path.open("rb") as file:
        content = file.read(_MOST_READ + 1)
    is_whole = len(content) <= _MOST_READ
    if not is_whole:
        content = content[: content.rfind(b"\n") + 1]
    text = content.removeprefix(BOM_UTF8).decode()
    lines = list(csv.reader(text.splitlines(keepends=True), delimiter=_delimiter(text)))
    # the last row of a part may go on behind it, within quotes
    rows = [line for line in (lines if is_whole else lines[:-1]) if line]
    if not rows:
        return None
    if max(len(cell) for row in rows for cell in row) > _LONGEST:
        raise ValueError("a field is too long")
    header, body = rows[0], rows[1:]
    columns = max(len(row) for row in rows[: MAX_ROWS + 1])
    width = min(columns, MAX_COLUMNS)
    shown = [[cut(cell) for cell in row[:width]] + [""] * (width - len(row)) for row in body[:MAX_ROWS]]
    names = [cut(name) for name in header[:width]] + [""] * (width - len(header))
    by_column = list(zip_longest(*shown, fillvalue="")) if shown else [()] * width
    return Rows(
        names=names,
        types=["number" if are_numbers(cells) else "text" for cells in by_column],
        rows=shown,
        rows_in_all=len(body) if is_whole else None,
        columns_in_all=columns,
    )


def _delimiter(text: str) -> str:
    """The one of the first line."""
    first = text.partition("\n")[0]
    return max((",", ";", "\t"), key=first.count)
