"""Slots without a worker: a fork server that finds the tests' kinds, and jobs for its slots."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from report_worker.slots import (
    Cancelled,
    Failed,
    ForkServer,
    FromSlot,
    Job,
    Options,
    Produced,
    Slot,
    StepEnded,
)
from report_worker.slots.environment import slot_environment
from report_worker.slots.processes import children
from tests.support.metadata import write_metadata
from waybill.domain import new_report_id

KINDS = Path(__file__).parent / "kinds"
MEMORY_MIB = 512

WITHOUT_CAPABILITIES = """
import ctypes, os, sys
for capability in range(64):  # PR_CAPBSET_DROP, which the next program has then
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""
"""Run with `-c`: becomes the Python program that is its first argument."""


def kinds_path(directory: Path) -> str:
    """A `PYTHONPATH` by which the tests' kinds are found."""
    metadata = write_metadata(KINDS, directory / "kinds")
    return os.pathsep.join(filter(None, [str(KINDS / "src"), str(metadata), os.environ.get("PYTHONPATH")]))


@contextmanager
def fork_server(
    directory: Path, *more_path: Path, traced: bool = False, **environment: str
) -> Iterator[ForkServer]:
    """Closes it in the end."""
    path = os.pathsep.join([*map(str, more_path), kinds_path(directory)])
    variables = slot_environment({**os.environ, "PYTHONPATH": path, **environment})
    server = ForkServer(Options(MEMORY_MIB, "json", "warning", traced=traced), variables)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def opened(server: ForkServer) -> Iterator[Slot]:
    slot = Slot(server)
    slot.open()
    try:
        yield slot
    finally:
        slot.stop()


def job(kind: str, directory: Path, report_id: UUID | None = None, **parameters: Any) -> Job:
    return Job(report_id or new_report_id(), 1, kind, parameters, directory, None)


def outcome(slot: Slot, seconds: float = 60) -> tuple[Produced | Failed | Cancelled, list[FromSlot]]:
    """Of the job that runs, with what it told before. What its steps keep is stored nowhere. Raises
    `SlotDied`."""
    told: list[FromSlot] = []
    while (word := slot.receive(seconds)) is not None:
        if isinstance(word, Produced | Failed | Cancelled):
            return word, told
        if isinstance(word, StepEnded) and word.kept:
            slot.note()
        told.append(word)
    raise AssertionError(f"No outcome after {seconds} s, but {told}.")


def run(
    slot: Slot, kind: str, directory: Path, report_id: UUID | None = None, **parameters: Any
) -> Produced | Failed | Cancelled:
    slot.start(job(kind, directory, report_id, **parameters))
    return outcome(slot)[0]


def ended_steps(told: list[FromSlot]) -> Mapping[str, str | None]:
    """The error of each step that ended, by its name."""
    return {word.name: word.error for word in told if isinstance(word, StepEnded)}


def processes_with(argument: str) -> set[int]:
    """Those that run with `argument` among theirs."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if argument.encode() in arguments:
            found.add(int(process.name))
    return found


def template_of(slot: Slot) -> int:
    """The process that it was forked from."""
    assert slot.pid
    fields = Path(f"/proc/{slot.pid}/stat").read_text().rpartition(")")[2].split()
    parent = int(fields[1])
    assert parent in children()
    return parent


def all_of(server: ForkServer) -> set[int]:
    """The processes of its slots."""
    template = server._template
    return set(template._slots) if template is not None else set()
