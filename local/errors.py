"""What can go wrong, each with a sentence to act on."""

from pathlib import Path

from local.process import last_lines


class LocalError(Exception):
    """The base of ours: its text is for the user, without a traceback."""


class PartFailedError(LocalError):
    """A part or a task ended though it should not have, or was not ready in time."""

    def __init__(self, name: str, what: str, log: Path) -> None:
        self.name = name
        self.log = log
        super().__init__(f"{name} {what}; the end of {log}:\n{_indented(last_lines(log))}")


class AlreadyRunningError(LocalError):
    def __init__(self, run_dir: Path) -> None:
        super().__init__(f"a stack already runs in {run_dir}")


class UpFailedError(LocalError):
    """The stack in the background did not come up."""


class NotInstalledError(LocalError):
    """Something that set-up gets is not there."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(f"not set up: {', '.join(missing)}. Run: make setup")


class SetupFailedError(LocalError):
    """A command of set-up did not end with 0."""

    def __init__(self, what: str, log: Path) -> None:
        super().__init__(f"{what} failed; the end of {log}:\n{_indented(last_lines(log))}")


class StoppedError(LocalError):
    """Starting was given up because the stack is being stopped."""


def describe_exit(code: int) -> str:
    """An exit code in words: `ended with exit code 1`, `was killed by signal 9`."""
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()) or "    (it is empty)"
