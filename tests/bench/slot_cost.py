"""What a slot costs: the memory of its process, and the processor time until it takes a job.

    .venv/bin/python -m tests.bench.slot_cost

It starts a template, has it fork slots one after the other, traced as those of the report-worker are, and
reads their memory from `/proc`.
"""

import argparse
import os
import statistics
import sys
import time
from dataclasses import dataclass

from report_worker.slots import ForkServer, Options, Slot
from report_worker.slots.environment import slot_environment
from tests.bench import processes
from waybill.telemetry import tracing_environment


@dataclass(frozen=True)
class Memory:
    """In MiB. `own`: what a further slot adds; `shared`: what all have together, the template too."""

    own: float
    shared: float

    @classmethod
    def of(cls, pid: int) -> "Memory":
        text = processes.smaps(pid)
        own = processes.read_smaps(text).private
        return cls(own, processes.smaps_sizes(text)["Rss"] - own)

    def __str__(self) -> str:
        return f"{self.own:.1f} MiB of its own, {self.shared:.1f} MiB shared"


def main() -> None:
    options = argparse.ArgumentParser(description="Measures what a slot costs.")
    options.add_argument("--slots", type=int, default=10, help="how many are started")
    count = options.parse_args().slots
    environment = tracing_environment("slot-cost", slot_environment(os.environ))
    server = ForkServer(Options(2048, "json", "warning", traced=True), environment)
    slots = [Slot(server) for _ in range(count)]
    try:
        began = time.monotonic()
        slots[0].open()
        _say(f"template and first slot: ready after {time.monotonic() - began:.2f} s")
        seconds = [_seconds_to_open(slot) for slot in slots[1:]]
        pids = [slot.pid for slot in slots if slot.pid]
        _say(f"template: {Memory.of(processes.running()[pids[0]].parent)}")
        _say(f"a further slot: ready after {_range(seconds)}")
        _say(f"its processor time: {_range([processes.scheduled_seconds(pid) for pid in pids])}")
        _say(f"its memory: {_middle([Memory.of(pid) for pid in pids])}")
    finally:
        server.close()
        for slot in slots:
            slot.kill()


def _seconds_to_open(slot: Slot) -> float:
    began = time.monotonic()
    slot.open()
    return time.monotonic() - began


def _range(seconds: list[float]) -> str:
    low, middle, high = (1000 * one for one in (min(seconds), statistics.median(seconds), max(seconds)))
    return f"{middle:.0f} ms ({low:.0f} to {high:.0f})"


def _middle(memories: list[Memory]) -> Memory:
    return Memory(
        statistics.median(memory.own for memory in memories),
        statistics.median(memory.shared for memory in memories),
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
