"""What every installer gets: a way to run commands, and a line to say how far it is."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.errors import SetupFailedError
from local.paths import CHECKOUT
from local.process import Launcher
from local.progress import Task


@dataclass(frozen=True)
class Context:
    launcher: Launcher
    log: Path
    """Gets the output of this installer's commands."""
    task: Task

    def say(self, text: str) -> None:
        self.task.say(text)

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
        process = self.launcher.spawn(
            command, environment=environment or {}, directory=directory, output=subprocess.PIPE
        )
        with self.log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n")
            for line in process.lines():
                log.write(f"{line}\n")
                on_line(line)
        if process.stop() != 0:
            raise SetupFailedError(what, self.log)

    def waiting(self) -> None:
        self.say("another set-up is at it; waiting for it")
