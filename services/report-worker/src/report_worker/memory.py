"""Whether the slots fit into the memory of their container."""

from collections.abc import Sequence
from pathlib import Path

_FILES = tuple(Path("/sys/fs/cgroup", name) for name in ("memory.max", "memory/memory.limit_in_bytes"))
"""Of cgroups version 2 and 1, as a container sees its own."""
_UNLIMITED = 2**60


def container_limit_mib(files: Sequence[Path] = _FILES) -> int | None:
    """The limit of memory in MiB; None outside of a container, or where it has none."""
    for file in files:
        try:
            limit = int(file.read_text())
        except (OSError, ValueError):  # not there, or "max"
            continue
        return limit // 2**20 if limit < _UNLIMITED else None
    return None


def excess(slots: int, slot_memory_mib: int, limit_mib: int | None) -> str | None:
    """What is wrong, and what to do; None if the slots fit. Beyond the container's limit the kernel kills,
    and no job learns why."""
    if limit_mib is None or slots * slot_memory_mib < limit_mib:
        return None
    return (
        f"WAYBILL_SLOTS={slots} times WAYBILL_SLOT_MEMORY_MIB={slot_memory_mib} is not less than the "
        f"container's {limit_mib} MiB: set fewer or smaller slots, or give the container more"
    )
