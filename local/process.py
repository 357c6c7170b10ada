"""Child processes that cannot outlive the stack: each in its own group, its output in one log."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from local import watchdog

# The new process registers itself before it becomes the program, so there is no instant at which we could be
# killed and leave a process that the watchdog does not know.
_REGISTER_AND_RUN = 'echo "+$$" >&0; input=$1; shift; exec "$@" <"$input"'


class Process:
    """A running or ended process, and all that it started in its group."""

    def __init__(self, launcher: "Launcher", popen: subprocess.Popen[bytes]) -> None:
        self._launcher = launcher
        self._popen = popen
        self._group_ended = False

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; the negative number of a signal that ended it."""
        return self._popen.poll()

    def lines(self) -> Iterator[str]:
        """What it prints, where its output is subprocess.PIPE. Ends when it and its children have ended."""
        if self._popen.stdout is not None:
            with self._popen.stdout as output:
                for line in output:
                    yield line.decode(errors="replace").rstrip()

    def send(self, number: int) -> None:
        """Signals the process alone, not its group."""
        self._popen.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Blocks until the process ends; raises TimeoutError after `seconds`."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"process {self.pid} still runs after {seconds:g} s") from None

    def stop(self, number: int = signal.SIGTERM, seconds: float = 10) -> int:
        """Sends the signal, waits for `seconds` at most, kills what is left, and returns the exit code."""
        self.send(number)
        try:
            code = self.wait(seconds)
        except TimeoutError:
            watchdog.signal_groups([self.pid], signal.SIGKILL)
            code = self.wait(10)
        self.end_group()
        return code

    def end_group(self) -> None:
        """Kills what the process left behind in its group, and forgets it. Only once: ids are used again."""
        if self._group_ended:
            return
        self._group_ended = True
        deadline = time.monotonic() + 1
        while watchdog.group_alive(self.pid) and time.monotonic() < deadline:
            watchdog.signal_groups([self.pid], signal.SIGKILL)
            time.sleep(0.02)
        self._launcher.forget(self.pid)


class LauncherClosedError(Exception):
    """A command was not started, because everything is being ended."""


class Launcher:
    """Starts processes and holds the pipe to the watchdog; closing it ends what still runs. Thread-safe."""

    def __init__(self) -> None:
        reading, self._pipe = os.pipe()
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(reading)
        self._lock = threading.Lock()
        self._closed = False

    def spawn(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        output: IO[bytes] | int | None,
        stdin: Path = Path(os.devnull),
    ) -> Process:
        """Starts the command with its output and errors to a file, to subprocess.PIPE, or with None to ours.

        `environment` comes on top of our own. Raises LauncherClosedError.
        """
        with self._lock:
            if self._closed:
                raise LauncherClosedError(command[0])
            popen = subprocess.Popen(
                ["/bin/sh", "-c", _REGISTER_AND_RUN, command[0], str(stdin), *command],
                stdin=self._pipe,
                stdout=output,
                stderr=None if output is None else subprocess.STDOUT,
                cwd=directory,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        return Process(self, popen)

    def check_open(self) -> None:
        """Raises LauncherClosedError where everything is being ended: for work that is no command."""
        with self._lock:
            if self._closed:
                raise LauncherClosedError("everything is being ended")

    def forget(self, group: int) -> None:
        with self._lock:
            if not self._closed:
                os.write(self._pipe, f"-{group}\n".encode())

    def close(self) -> None:
        """Ends every group that was not forgotten. Blocks until that is done."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._pipe)
        self._watchdog.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log; reads its last 64 KiB at most."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 65536))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-count:])
