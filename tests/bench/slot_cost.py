"""What a slot costs: the memory of its process, and the time until it takes a job.

    .venv/bin/opentelemetry-instrument .venv/bin/python -m tests.bench.slot_cost

It starts slots one after the other, traced as those of the report-worker are, and reads their memory from
`/proc`: once they are ready, and once they have imported a kind's implementation.
"""

import argparse
import os
import re
import statistics
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from report_worker.slots import Slot
from waybill.kinds import load_registry

_MEBIBYTE = 1024  # /proc counts in KiB


@dataclass(frozen=True)
class Memory:
    """In MiB. `own`: what a further slot adds; `shared`: libraries and the like, which all have together."""

    own: float
    shared: float

    @classmethod
    def of(cls, pid: int) -> "Memory":
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        sizes = {name: int(size) / _MEBIBYTE for name, size in re.findall(r"^(\w+): +(\d+) kB", text, re.M)}
        own = sizes["Private_Clean"] + sizes["Private_Dirty"]
        return cls(own, sizes["Rss"] - own)

    def __str__(self) -> str:
        return f"{self.own:6.1f} MiB of its own, {self.shared:5.1f} MiB shared"


def main() -> None:
    options = argparse.ArgumentParser(description="Measures what a slot costs.")
    options.add_argument("--slots", type=int, default=5, help="how many are started")
    count = options.parse_args().slots
    slots: list[Slot] = []
    seconds, processor_seconds = [], []
    for _ in range(count):
        began = time.monotonic()
        slots.append(slot := Slot(2048, "json", "warning"))
        slot.wait_until_ready()
        seconds.append(time.monotonic() - began)
        processor_seconds.append(_processor_seconds(slot.pid or 0))
    try:
        ready = [Memory.of(slot.pid) for slot in slots if slot.pid]
        _say(f"start: {_range(seconds)}, of a processor: {_range(processor_seconds)}")
        _say(f"ready: {_middle(ready)}")
    finally:
        for slot in slots:
            slot.stop()
    for kind in load_registry():
        _say(f"with the code of {kind.name} loaded: {_with_kind(kind.implementation)}")


def _with_kind(implementation: str) -> Memory:
    """Of a process like a slot's that has imported a kind's implementation."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_load, args=(implementation, theirs))
    process.start()
    ours.recv()
    memory = Memory.of(process.pid or 0)
    ours.send(None)
    process.join()
    return memory


def _load(implementation: str, pipe: object) -> None:
    from report_worker.slots import child  # as a slot has it

    assert child
    import_module(implementation.partition(":")[0])
    pipe.send(None)  # type: ignore[attr-defined]
    pipe.recv()  # type: ignore[attr-defined]


def _processor_seconds(pid: int) -> float:
    """Which a busy machine changes less than the time on the clock."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _range(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def _middle(memories: list[Memory]) -> Memory:
    return Memory(
        statistics.median(memory.own for memory in memories),
        statistics.median(memory.shared for memory in memories),
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
