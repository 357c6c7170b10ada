"""Where the jobs of one worker put their files."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_PREFIX = "waybill-worker-"


class Scratch:
    """A directory among the system's temporary ones, locked for as long as this process lives.

    By the lock, a worker that starts knows what killed workers have left, and removes it: in a pod, the files
    outlive a container that was out of memory. systemd-tmpfiles leaves what is locked so alone.
    """

    def __init__(self) -> None:
        """Raises `OSError` where there is no room, or no temporary directory at all."""
        root = Path(tempfile.gettempdir()).resolve()  # on macOS it is a link, and `_lock` follows none
        with _locked(root):  # else a worker that starts beside us removes ours before we have locked it
            _remove_what_was_left(root)
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
            self._lock = _lock(self.path, fcntl.LOCK_EX)

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_what_was_left(root: Path) -> None:
    for left in root.glob(f"{_PREFIX}*"):
        with suppress(OSError), _locked(left, fcntl.LOCK_NB):  # somebody's who lives, or another user's
            shutil.rmtree(left)
            log.info("removed the files of a worker that is no more", path=str(left))


@contextmanager
def _locked(directory: Path, flags: int = 0) -> Iterator[None]:
    lock = _lock(directory, fcntl.LOCK_EX | flags)
    try:
        yield
    finally:
        os.close(lock)


def _lock(directory: Path, operation: int) -> int:
    """An open file, whose end is the lock's. Child processes do not inherit it. Raises `OSError`."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, operation)
    except OSError:
        os.close(opened)
        raise
    return opened
