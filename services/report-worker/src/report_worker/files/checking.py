"""Whether what a report shows is in the results of its steps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from report_worker.files.document import Result
from report_worker.files.reading import Source
from report_worker.files.totals import check_total
from waybill.definitions import ColumnUse, Definition, Output, column_uses
from waybill.errors import PermanentError

Path = tuple[str | int, ...]


class PartError(PermanentError):
    """What does not fit the results, with its `path` in the definition; within a text also the `place`, line
    and column from 1. `sentence`: the reason alone."""

    def __init__(self, sentence: str, path: Path, place: tuple[int, int] | None = None) -> None:
        self.sentence = sentence
        self.path = path
        self.place = place
        super().__init__(f"{sentence} See {_in_words(path)} of the definition.")


def check_columns(definition: Definition, outputs: Sequence[str], result: Result) -> None:
    """Raises `PartError` where one of the outputs will show a column that the result of this step does not
    have, or a total that the column does not have."""
    uses = [one for one in column_uses(definition) if one.step == result.name and _is_shown(one, outputs)]
    if not uses:
        return
    with Source(result) as source:
        for one in uses:
            with part(one.path, one.place):
                column = source.find(one.column)
                if one.total is not None:
                    check_total(source, column, one.total)


@contextmanager
def part(path: Path, place: tuple[int, int] | None = None) -> Iterator[None]:
    """Makes a `PartError` of a `PermanentError`."""
    try:
        yield
    except PartError:
        raise
    except PermanentError as error:
        raise PartError(str(error), path, place) from error


def _is_shown(use: ColumnUse, outputs: Sequence[str]) -> bool:
    """A page shows everything; a workbook no text and no section's title; JSON the heading."""
    path = use.path
    is_text = path[-1] == "text" or path[2:] == ("title",)
    return (
        Output.HTML in outputs
        or Output.PDF in outputs
        or (Output.XLSX in outputs and not is_text)
        or (Output.JSON in outputs and path == ("heading",))
    )


def _in_words(path: Path) -> str:
    """`section 2, block 1, table, column 3`."""
    words: list[str] = []
    for one in path:
        if isinstance(one, int):
            words[-1] = f"{words[-1].removesuffix('s')} {one + 1}"
        else:
            words.append(one)
    return ", ".join(words)
