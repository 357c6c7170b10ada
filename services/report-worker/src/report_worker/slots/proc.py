"""What the kernel says under /proc, by plain system calls: slots read it after each job."""

import os
from contextlib import suppress

_CHUNK = 65536


def read_bytes(path: str) -> bytes:
    """Empty if there is no such file, as on other systems, or its process has ended."""
    read = b""
    with suppress(OSError):
        file = os.open(path, os.O_RDONLY)
        try:
            while chunk := os.read(file, _CHUNK):
                read += chunk
        finally:
            os.close(file)
    return read


def entries(path: str) -> list[str]:
    """The names in a folder; none if there is no such folder."""
    try:
        return os.listdir(path)  # noqa: PTH208 - a pathlib.Path costs as much again
    except OSError:
        return []
