"""Downloads the jars of a list by the package jgo, which must be on the Python path.

    fetch.py LIST FOLDER

Each is looked for in the repositories of jgo's configuration (`[repositories]` in `~/.config/jgo.conf`), else
in Maven Central, and compared with the list. Prints `FILES BYTES` while it goes on. Stands alone: it is no
part of the package `local`.
"""

import functools
import hashlib
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

_AT_ONCE = 8
_ATTEMPTS = 3


class Progress:
    """Counts files and bytes, and prints both as they grow, five times a second at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files = 0
        self._bytes = 0
        self._printed = 0.0

    def add(self, octets: int, files: int = 0) -> None:
        with self._lock:
            self._files += files
            self._bytes += octets
            if time.monotonic() - self._printed > 0.2:
                self._printed = time.monotonic()
                print(self._files, self._bytes, flush=True)

    @contextmanager
    def of_file(self, _name: str, _size: int) -> Iterator[Callable[[int], None]]:
        """What jgo calls for each file; the block gets a function for the bytes that have arrived."""
        yield self.add


def main(listing: str, folder: str) -> int:
    # jgo opens a connection for each file: look the host up once.
    socket.getaddrinfo = functools.cache(socket.getaddrinfo)
    target = Path(folder)
    repository = target / "repository"
    progress = Progress()
    maven = MavenContext(
        resolver=PythonResolver(progress_callback=progress.of_file),
        repo_cache=repository,
        local_repos=[],
        remote_repos=GlobalSettings.load().repositories or None,
        timeout=30,
    )

    def fetch(line: str) -> str | None:
        name, version, octets, sha256 = line.split()
        try:
            jar = _download(maven, name, version)
        except Exception as error:  # whatever it is, it goes into the sentence
            return f"{name}:{version} was not downloaded: {type(error).__name__}: {error}"
        if (jar.stat().st_size, hashlib.sha256(jar.read_bytes()).hexdigest()) != (int(octets), sha256):
            return f"{name}:{version} is not the file of {listing}: its size or SHA-256 differs"
        shutil.move(jar, target / jar.name)
        progress.add(0, files=1)
        return None

    lines = [line for line in Path(listing).read_text().splitlines() if not line.startswith("#")]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        errors = [error for error in pool.map(fetch, lines) if error]
    shutil.rmtree(repository, ignore_errors=True)
    print("\n".join(errors), end="\n" if errors else "", file=sys.stderr)
    return 1 if errors else 0


def _download(maven: MavenContext, name: str, version: str) -> Path:
    """Without what it depends on: the list is complete."""
    group, artifact = name.split(":")
    found = maven.project(group, artifact).at_version(version).artifact()
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            found.resolve()
            break
        except Exception:
            found.cached_path.unlink(missing_ok=True)  # a part of it would be taken for the whole
            if attempt == _ATTEMPTS:
                raise
            time.sleep(attempt)
    return Path(found.cached_path)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
