"""The files of the benchmark's jobs: each says when its work began, and how long it took."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.errors import CannotMeasure

_POLL_SECONDS = 0.02
_POLL_SHARE = 20
"""The pause after a look at the folder, in times that it took: it must not slow down what is measured."""
_FEWEST = 3
SKIPPED = 1 / 20
"""Of the jobs, before a rate is taken."""


@dataclass(frozen=True, order=True)
class Work:
    """`began` in seconds since 1970."""

    began: float
    seconds: float
    subject: str


def read_line(text: str) -> Work:
    """`<subject> <began> <seconds>`."""
    subject, began, seconds = text.split()
    return Work(float(began), float(seconds), subject)


def read_all(folder: Path) -> list[Work]:
    """In the order in which they began."""
    return sorted(read_line(file.read_text()) for file in _files(folder))


def per_second(works: Sequence[Work], skipped: float = SKIPPED) -> float:
    """How many begin in a second, without the first of them: processes take their time to start."""
    begins = sorted(work.began for work in works)
    first = int(len(begins) * skipped)
    if len(begins) - first < _FEWEST:
        raise CannotMeasure(f"{len(begins)} jobs are too few for a rate")
    return (len(begins) - 1 - first) / (begins[-1] - begins[first])


def count(folder: Path) -> int:
    return sum(1 for _ in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(folder):
        for name in names:
            if not name.startswith(".") and not name.endswith((".tmp", ".new")):
                yield Path(directory, name)


def wait_for(
    folder: Path, number: int, seconds: float, say: Callable[[int], None] = lambda _found: None
) -> None:
    """Until there are `number` files; raises `CannotMeasure` after `seconds` in which none has come.

    It looks at the folder, and at no part of the stack: to ask one would add to what is counted.
    """
    most, patient_until = -1, 0.0
    while True:
        looked = time.monotonic()
        if (found := count(folder)) >= number:
            return
        if found > most:
            most, patient_until = found, time.monotonic() + seconds
        elif time.monotonic() > patient_until:
            raise CannotMeasure(
                f"only {found} of {number} jobs have run, and no further one in {seconds:g} s"
            )
        say(found)
        time.sleep(max(_POLL_SECONDS, _POLL_SHARE * (time.monotonic() - looked)))
