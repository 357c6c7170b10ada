"""Live progress: one line that changes on a terminal, a line now and then where there is none."""

import time

from rich.console import Console

_EVERY_SECONDS = 10.0


class Live:
    """What goes on now. `say` may be called as often as one likes."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._began = time.monotonic()
        self._name = ""
        self._said = 0.0
        self._status = console.status("") if console.is_terminal else None

    def begin(self, name: str) -> None:
        self._name, self._said = name, time.monotonic()
        if self._status:
            self._status.start()
            self._status.update(name)

    def say(self, text: str) -> None:
        if self._status:
            self._status.update(f"{self._name}: {text}")
        elif time.monotonic() - self._said > _EVERY_SECONDS:
            self._said = time.monotonic()
            self._print(f"{self._name}: {text}")

    def end(self, text: str) -> None:
        if self._status:
            self._status.stop()
        self._print(f"{self._name}: {text}")

    def _print(self, text: str) -> None:
        clock = f"{time.monotonic() - self._began:6.1f} s"
        self.console.print(f"[dim]{clock}[/]  {text}", highlight=False, soft_wrap=True)
