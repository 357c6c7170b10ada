"""The directory of one run, and what runs that were killed have left."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from report_worker.scratch import Scratch

_PREFIX = "waybill-proof-"
_MOUNTS = Path("/proc/self/mounts")


@contextmanager
def workplace(prefix: str = _PREFIX) -> Iterator[Path]:
    """A new directory, removed in the end; before, those of processes that have not come so far."""
    scratch = Scratch(prefix, _remove)
    try:
        yield scratch.path
    finally:
        scratch.close()


def _remove(directory: Path) -> None:
    """With the disks that are mounted in it."""
    for point in _mounted_in(directory):
        subprocess.run(["umount", "--lazy", point], capture_output=True, timeout=10, check=False)
    shutil.rmtree(directory, ignore_errors=True)


def _mounted_in(directory: Path) -> list[str]:
    if not _MOUNTS.exists():
        return []
    points = [line.split()[1] for line in _MOUNTS.read_text().splitlines()]
    return [point for point in points if Path(point).is_relative_to(directory)]
