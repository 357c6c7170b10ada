"""Prints the entries of a lock that an image installs. Needs the package `packaging` on the Python path.

python -m local.supply.image_lock LOCK PYTHON
"""

import sys
from pathlib import Path

from packaging.markers import Marker

from local.supply import locks

_MACHINES = ("x86_64", "aarch64")


def selected(lock: Path, python: str) -> list[locks.Locked]:
    """Of the images of all machines together. `python`: as `3.11`."""
    return [entry for entry in locks.read(lock) if not entry.marker or _holds(Marker(entry.marker), python)]


def _holds(marker: Marker, python: str) -> bool:
    image = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.99",
        "python_version": python,
        "sys_platform": "linux",
    }
    return any(marker.evaluate({**image, "platform_machine": machine}) for machine in _MACHINES)


if __name__ == "__main__":
    print("\n".join(entry.line for entry in selected(Path(sys.argv[1]), sys.argv[2])))
