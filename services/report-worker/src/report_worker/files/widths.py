"""How wide the columns of a table are, and whether they fit onto paper."""

from collections.abc import Sequence
from dataclasses import dataclass

from report_worker.files.columns import Shown, words_of
from report_worker.files.normal import python_values
from report_worker.files.reading import Source

_SAMPLE = 200
_SCREEN_COLUMNS = 9
"""With more, a table on a screen is as wide as its texts, and scrolls."""
_UPRIGHT, _ACROSS, _DENSE = 104, 156, 202
"""Characters that fit side by side: on paper, on paper that lies, and there in small letters."""
_SHORTEST, _LONGEST = 10, 40
"""Of a column of texts, which may break."""
_BAR, _GAP = 8, 2


@dataclass(frozen=True)
class Layout:
    """`size`: the classes of the table. `shares`: of each column, in percent of the whole."""

    size: str
    shares: list[float]


def longest_words(source: Source, columns: Sequence[Shown], rows: int = _SAMPLE) -> list[int]:
    """Of each column the length of the longest value in the first rows."""
    head = source.head(rows, sorted({one.place for one in columns}))
    return [
        max(
            (len(words_of(one, column.style)) for one in python_values(head.column(f"c{column.place}"))),
            default=0,
        )
        for column in columns
    ]


def fitting(columns: Sequence[Shown], longest: Sequence[int]) -> int:
    """How many of the columns fit onto paper, at least one: numbers are never broken or cut."""
    room = _DENSE
    for count, needed in enumerate(_least(columns, longest)):
        room -= needed
        if room < 0:
            return max(count, 1)
    return len(columns)


def layout(columns: Sequence[Shown], longest: Sequence[int], *, paper: bool) -> Layout:
    if not paper:
        return Layout("wide" if len(columns) > _SCREEN_COLUMNS else "", [])
    least, most = _least(columns, longest), _most(columns, longest)
    sizes = (("", _UPRIGHT), ("wide", _ACROSS), ("wide dense", _DENSE))
    size, room = next((one for one in sizes if sum(least) <= one[1]), sizes[-1])
    wanted = sum(most) - sum(least)
    share = min(1.0, max(0.0, room - sum(least)) / wanted) if wanted else 0.0
    widths = [low + share * (high - low) for low, high in zip(least, most, strict=True)]
    return Layout(size, [100 * one / sum(widths) for one in widths])


def _least(columns: Sequence[Shown], longest: Sequence[int]) -> list[int]:
    return [_width(column, length, _SHORTEST) for column, length in zip(columns, longest, strict=True)]


def _most(columns: Sequence[Shown], longest: Sequence[int]) -> list[int]:
    return [_width(column, length, _LONGEST) for column, length in zip(columns, longest, strict=True)]


def _width(column: Shown, longest: int, bound: int) -> int:
    title = min(max((len(word) for word in column.title.split()), default=1), bound)
    if column.total:  # a sum has more digits than what it is of, and a mean its name beside it
        longest += 8
    if not column.style.is_number:
        longest = min(longest, bound)
    return max(longest, title, 3) + (_BAR if column.bar else 0) + _GAP
