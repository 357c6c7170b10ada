"""Processor time and memory of processes, from `/proc`."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_KIB_IN_MIB = 1024


@dataclass(frozen=True)
class Process:
    """`own_seconds` is its processor time, `reaped_seconds` that of its children that have ended."""

    pid: int
    parent: int
    own_seconds: float
    reaped_seconds: float

    @property
    def seconds(self) -> float:
        return self.own_seconds + self.reaped_seconds


def read_stat(text: str) -> Process:
    """From the text of `/proc/<pid>/stat`. The name, in parentheses, may hold anything."""
    pid, _, rest = text.partition(" ")
    fields = rest.rpartition(")")[2].split()
    user, system, reaped_user, reaped_system = (int(field) / _TICKS for field in fields[11:15])
    return Process(int(pid), int(fields[1]), user + system, reaped_user + reaped_system)


def running() -> dict[int, Process]:
    """All processes of the machine."""
    return {process.pid: process for process in _read_all()}


def _read_all() -> Iterator[Process]:
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):  # it has ended meanwhile
                yield read_stat((folder / "stat").read_text())


def below(root: int, processes: Mapping[int, Process]) -> list[Process]:
    """`root` and all that descend from it, parents first."""
    found = [processes[root]] if root in processes else []
    for process in found:
        found += [child for child in processes.values() if child.parent == process.pid]
    return found


@dataclass(frozen=True)
class Memory:
    """In MiB. `private` no other process has; of what is shared, `proportional` (PSS) has a fair share."""

    private: float
    proportional: float

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.private + other.private, self.proportional + other.proportional)


def smaps_sizes(text: str) -> dict[str, float]:
    """In MiB, by name, from the text of `/proc/<pid>/smaps_rollup`."""
    return {name: int(size) / _KIB_IN_MIB for name, size in re.findall(r"^(\w+): +(\d+) kB", text, re.M)}


def read_smaps(text: str) -> Memory:
    """From the text of `/proc/<pid>/smaps_rollup`."""
    sizes = smaps_sizes(text)
    return Memory(sizes["Private_Clean"] + sizes["Private_Dirty"], sizes["Pss"])


def smaps(pid: int) -> str:
    """Raises `PermissionError` where the process hides itself from its own user, and we are not root."""
    return (_PROC / str(pid) / "smaps_rollup").read_text()


def memory(pid: int) -> Memory:
    """Raises as `smaps`."""
    return read_smaps(smaps(pid))


def load_average() -> float:
    """Of the last minute."""
    return os.getloadavg()[0]


def scheduled_seconds(pid: int) -> float:
    """Processor time of the threads that a process has now, exactly: `stat` counts in hundredths."""
    threads = (_PROC / str(pid) / "task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
