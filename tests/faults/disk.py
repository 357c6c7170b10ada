"""The artefact store's own small disk, which can be filled without harm to anybody else."""

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_SIZE_BYTES = 512 * 1024 * 1024
_STEP_BYTES = 64 * 1024


@dataclass(frozen=True)
class Disk:
    """A tmpfs of its own where we may mount one (`is_real`), else a folder of the machine's disk."""

    folder: Path
    is_real: bool

    @classmethod
    def mount(cls, folder: Path) -> Self:
        """Makes the folder, and mounts the disk there."""
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE_BYTES}", "waybill-faults", str(folder)]
        try:
            mounted = subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
        except FileNotFoundError:  # no mount(8)
            mounted = False
        return cls(folder, mounted)

    def unmount(self) -> None:
        """With all that is in it."""
        if self.is_real:
            subprocess.run(
                ["umount", "--lazy", str(self.folder)], capture_output=True, timeout=10, check=True
            )

    def fill(self, left_bytes: int) -> None:
        """But for so much, or a little less. Step by step: others write meanwhile."""
        begin = 0
        with self._ballast.open("wb") as file:
            while (room := self._free() - left_bytes) > 0:
                size = max(room // 2, min(room, _STEP_BYTES))
                with contextlib.suppress(OSError):  # somebody was quicker
                    os.posix_fallocate(file.fileno(), begin, size)
                    begin += size

    def _free(self) -> int:
        room = os.statvfs(self.folder)
        return room.f_bavail * room.f_frsize

    def clear(self) -> None:
        """Takes away what `fill` put there."""
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"
