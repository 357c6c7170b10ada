"""What every installer gets: a way to run commands, and a line to say how far it is."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.errors import SetupFailedError
from local.paths import CHECKOUT
from local.process import Launcher, Process
from local.progress import Task

_IN_BACKGROUND = ("/bin/sh", "-c", 'echo 19 2>&- >/proc/self/autogroup; exec nice -n 19 "$@"', "background")
"""Before a command: it gets the processor time that others leave, also from those of another session, which
Linux may schedule as one group (autogroup)."""


@dataclass(frozen=True)
class Context:
    launcher: Launcher
    log: Path
    """Gets the output of this installer's commands."""
    task: Task
    background: bool = False
    """Whether its commands must not slow others down."""

    def say(self, text: str) -> None:
        self.task.say(text)

    def spawn(
        self,
        command: Sequence[str],
        *,
        output: IO[bytes] | int,
        environment: Mapping[str, str] | None = None,
        directory: Path = CHECKOUT,
    ) -> Process:
        """Starts a command that the caller ends."""
        prefix = _IN_BACKGROUND if self.background else ()
        return self.launcher.spawn(
            (*prefix, *command), environment=environment or {}, directory=directory, output=output
        )

    def run(
        self,
        what: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path = CHECKOUT,
        on_line: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Runs a command to its end; `what` names it for people. Raises SetupFailedError."""
        self.say(what)
        process = self.spawn(command, environment=environment, directory=directory, output=subprocess.PIPE)
        with self.log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n")
            for line in process.lines():
                log.write(f"{line}\n")
                on_line(line)
        if process.stop() != 0:
            raise SetupFailedError(what, self.log)

    def waiting(self) -> None:
        self.say("waiting for another set-up that does this")
