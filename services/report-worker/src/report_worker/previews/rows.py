"""What a preview is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

MAX_ROWS: Final = 100
MAX_COLUMNS: Final = 50
MAX_CELL: Final = 200
"""Characters; what is longer is cut."""

ColumnType = Literal["text", "number", "time", "boolean"]
Cell = str | None


@dataclass(frozen=True)
class Rows:
    """The first rows and columns of a table. `rows_in_all` and `columns_in_all` where the file says so, or
    was read to its end."""

    names: Sequence[str]
    types: Sequence[ColumnType]
    rows: Sequence[Sequence[Cell]]
    rows_in_all: int | None
    columns_in_all: int


def cut(text: str) -> str:
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"


def are_numbers(cells: Iterable[Cell]) -> bool:
    """Whether all that is not empty is a number, and there is one."""
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(map(_is_number, filled))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip() == text
