"""Where the jobs of one worker put their files."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import structlog

from waybill.errors import PermanentError

log = structlog.get_logger(__name__)

PREFIX = "waybill-worker-"

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # else a named pipe would block


class NotInDirectory(PermanentError):  # noqa: N818 - the name is the sentence
    """What a job returned is not a file in its own directory."""


_RETURNS = "The kind's function must return a file in work.directory"


def open_produced(directory: Path, path: Path, rule: str = _RETURNS) -> BinaryIO:
    """The file that a job has left in `directory`, opened for reading. It is opened step by step, so that no
    link, of whatever kind, and no change beside us leads to another file. Raises `NotInDirectory`, which
    says the `rule`."""
    try:
        names = path.relative_to(directory).parts
        file = _open_beneath(directory, names)
    except (OSError, ValueError, IndexError) as error:
        raise NotInDirectory(_refusal(rule, path, error)) from None
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(file)
        raise NotInDirectory(_refusal(rule, path, "it is a link, or not a regular file"))
    return os.fdopen(file, "rb")


def _open_beneath(directory: Path, names: tuple[str, ...]) -> int:
    if ".." in names:
        raise ValueError("its path contains '..'")
    opened = os.open(directory, _DIRECTORY)
    try:
        for name in names[:-1]:
            inner = os.open(name, _DIRECTORY, dir_fd=opened)
            os.close(opened)
            opened = inner
        return os.open(names[-1], _FILE, dir_fd=opened)
    finally:
        os.close(opened)


def _refusal(rule: str, path: Path, reason: object) -> str:
    return f"{rule}; {path} cannot be taken: {reason}."


def remove_tree(directory: Path) -> None:
    """All of it that can be removed, and whatever a job has put into its place. Follows no link.

    Level by level: `shutil.rmtree` calls itself and keeps a file open for each, so that a job could make a
    tree that is too deep for it.
    """
    with suppress(OSError):
        mode = directory.lstat().st_mode
        if not stat.S_ISDIR(mode):
            directory.unlink()
            return
        if stat.S_IMODE(mode) != stat.S_IRWXU:
            directory.chmod(stat.S_IRWXU)
        top = os.open(directory, _DIRECTORY)
        try:
            while _remove_level(top):
                pass
        finally:
            os.close(top)
        directory.rmdir()


def _remove_level(top: int) -> bool:
    """Removes what lies directly in `top`, and moves there the directories one level below; whether there
    were any."""
    moved = False
    for name, is_directory in _entries(top):
        with suppress(OSError):
            if not is_directory:
                os.unlink(name, dir_fd=top)
                continue
            os.chmod(name, stat.S_IRWXU, dir_fd=top)
            inner = os.open(name, _DIRECTORY, dir_fd=top)
            try:
                moved |= _move_up(inner, top)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)
    return moved


def _move_up(inner: int, top: int) -> bool:
    moved = False
    for name, is_directory in _entries(inner):
        with suppress(OSError):
            if is_directory:
                os.chmod(name, stat.S_IRWXU, dir_fd=inner)  # else it cannot be moved
                os.rename(name, uuid4().hex, src_dir_fd=inner, dst_dir_fd=top)
                moved = True
            else:
                os.unlink(name, dir_fd=inner)
    return moved


def _entries(directory: int) -> list[tuple[str, bool]]:
    """The names in an open directory, and whether each is a directory itself."""
    with os.scandir(directory) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


class Scratch:
    """A directory among the system's temporary ones, locked for as long as this process lives.

    By the lock, a worker that starts knows what killed workers have left, and removes it: in a pod, the files
    outlive a container that was out of memory. systemd-tmpfiles leaves what is locked so alone.
    """

    def __init__(self, prefix: str = PREFIX, remove: Callable[[Path], None] = remove_tree) -> None:
        """Raises `OSError` where there is no room, or no temporary directory at all."""
        self._remove = remove
        root = Path(tempfile.gettempdir()).resolve()  # on macOS it is a link, and `_lock` follows none
        with _locked(root):  # else a process that starts beside us removes ours before we have locked it
            self._remove_what_was_left(root, prefix)
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
            self._lock = _lock(self.path, fcntl.LOCK_EX)

    def close(self) -> None:
        self._remove(self.path)
        os.close(self._lock)

    def _remove_what_was_left(self, root: Path, prefix: str) -> None:
        for left in root.glob(f"{prefix}*"):
            with (
                suppress(OSError),
                _locked(left, fcntl.LOCK_NB),
            ):  # of a process that lives, or another user's
                self._remove(left)
                log.info("scratch directory removed: its process has ended", path=str(left))


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
