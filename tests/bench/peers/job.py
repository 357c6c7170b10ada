"""The job that every peer does: the same as that of Waybill's kind `noop`. And what they are told."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

FOLDER = "BENCH_FOLDER"
DATABASE_URL = "BENCH_DATABASE_URL"
REDIS_URL = "BENCH_REDIS_URL"
KAFKA = "BENCH_KAFKA"


def do(subject: str) -> str:
    """Leaves a small file, which says when it began and how long it took; the file's name."""
    began = time.time()
    file = Path(os.environ[FOLDER], subject)
    file.write_text(f"{subject} {began:.6f} {time.time() - began:.6f}\n", encoding="utf-8")
    return file.name


def subjects(number: int) -> list[str]:
    """A new name for each job."""
    return [str(uuid4()) for _ in range(number)]


def command(prepare: Callable[[int], None], work: Callable[[], None] | None = None) -> None:
    """What a peer's module is when it is run."""
    match sys.argv[1:]:
        case ["prepare", number]:
            prepare(int(number))
        case ["work"] if work:
            work()
        case _:
            sys.exit(f"{sys.argv[0]}: prepare N" + (", or work" if work else ""))
