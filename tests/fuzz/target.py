"""What is tried."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.choices import Choices

Check = Callable[[Choices], bool]
"""Makes an input, gives it to what reads it, and says whether it was accepted; raises whatever is wrong."""


@dataclass(frozen=True)
class Place:
    """Where targets may work: a folder, and an empty database with the schema of now."""

    folder: Path
    database_url: str


@dataclass(frozen=True)
class Target:
    """Something that reads what others send. `reads` says what; `share`: how many of 1,000 cases it gets.
    `open` makes ready what the cases need, and gets no database unless `needs_database`."""

    name: str
    reads: str
    share: int
    open: Callable[[Place], AbstractContextManager[Check]]
    needs_database: bool = False


def plain(check: Check) -> Callable[[Place], AbstractContextManager[Check]]:
    """For a target that needs nothing."""

    @contextmanager
    def opened(_: Place) -> Iterator[Check]:
        yield check

    return opened
