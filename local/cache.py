"""What set-up fetched or built, kept for all checkouts of this user: a directory for each version of a thing.

Two set-ups may run at once: each thing is made under a lock, in a temporary directory, and then renamed.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "waybill"


def digest(*files: Path, length: int = 12) -> str:
    """A short hash of the files' content, for the names of what is made from them."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:length]


def make_once(target: Path, make: Callable[[Path], None], waiting: Callable[[], None] = lambda: None) -> None:
    """Makes the directory `target` by `make(temporary directory)`, unless it is there.

    Blocks while another set-up does; `waiting` is called before such a wait.
    """
    if target.exists():
        return
    with locked(target.name, waiting):
        if target.exists():
            return
        for stale in target.parent.glob(f".{target.name}.*"):  # of a set-up that was killed: we hold its lock
            shutil.rmtree(stale, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            make(temporary)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def name_for(what: str, path: Path) -> str:
    """A name for `locked` of something that is done in this path."""
    return f"{what}-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"


@contextlib.contextmanager
def locked(name: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Excludes other threads and processes from the same name. `waiting` is called before a wait for them."""
    directory = root() / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
