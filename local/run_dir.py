"""The directory of one run: data, logs, who runs where."""

import fcntl
import json
import os
import shlex
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from local.errors import AlreadyRunningError

_LOCK_SECONDS = 0.5
"""A process that looks for the holder has the lock for an instant; a stack has it for longer."""


@dataclass(frozen=True)
class RunningPart:
    name: str
    pid: int
    port: int
    health: str
    """URL for `local.probes.answers`."""


class RunDir:
    """Paths of one run, and the lock that keeps it to one stack."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: IO[str] | None = None

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def env(self) -> Path:
        return self.path / "env"

    @property
    def parts(self) -> Path:
        return self.path / "parts.json"

    def part(self, name: str) -> Path:
        """A part's own directory, made if missing."""
        directory = self.path / name
        directory.mkdir(exist_ok=True)
        return directory

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def open(self, *, fresh: bool) -> None:
        """Takes the run directory: with `fresh`, without an earlier run's data. Logs always start empty."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = self._take_lock()
        for entry in ("postgres", "kafka", "artefacts", "tmp", "trace-buffer") if fresh else ():
            shutil.rmtree(self.path / entry, ignore_errors=True)
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir()
        self.forget()

    def close(self) -> None:
        if self._lock is not None:
            self.forget()
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def forget(self) -> None:
        """Removes what tells others of a running stack."""
        self.env.unlink(missing_ok=True)
        self.parts.unlink(missing_ok=True)

    def holder(self) -> int | None:
        """The pid of the process whose stack holds the run directory; None if none does."""
        while self._is_locked():
            # It is empty for a moment when the lock has been taken, and before it is given back.
            if pid := (self.path / "lock").read_text():
                return int(pid)
            time.sleep(0.01)
        return None

    def write_env(self, variables: Mapping[str, str]) -> None:
        """Exports for a shell, to be read with `. env`. Only its owner can: there is a password in it."""
        text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
        write_atomically(self.env, text)

    def write_parts(self, parts: list[RunningPart]) -> None:
        write_atomically(self.parts, json.dumps([asdict(part) for part in parts], indent=1))

    def read_env(self) -> dict[str, str]:
        """What `write_env` wrote; empty while no stack is ready."""
        try:
            words = shlex.split(self.env.read_text())
        except FileNotFoundError:
            return {}
        return dict(word.split("=", 1) for word in words if word != "export")

    def read_parts(self) -> list[RunningPart]:
        try:
            return [RunningPart(**part) for part in json.loads(self.parts.read_text())]
        except FileNotFoundError:
            return []

    def _take_lock(self) -> IO[str]:
        lock = (self.path / "lock").open("a")
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    lock.close()
                    raise AlreadyRunningError(self.path) from None
                time.sleep(0.05)
            else:
                lock.truncate(0)
                lock.write(f"{os.getpid()}\n")
                lock.flush()
                return lock

    def _is_locked(self) -> bool:
        try:
            with (self.path / "lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False


def write_atomically(file: Path, text: str) -> None:
    """Readers see the old text or the new, never a part; mode 0600."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(text)
    new.replace(file)
