"""Live progress: one line that changes on a terminal, a line now and then where there is none."""

import threading
import time

from rich.console import Console

_EVERY_SECONDS = 15.0


class Stopped(BaseException):
    """Whoever watches wants no more: no fault's failure, so not an `Exception`."""


class Live:
    """What goes on now, in several lanes at once."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._now: dict[str, str] = {}
        self._stopped = False
        self._status = console.status("") if console.is_terminal else None

    def begin(self, name: str) -> "Line":
        """Something that takes a while; `name` is nobody else's meanwhile."""
        return Line(self, name)

    def stop(self) -> None:
        """Whatever tells of its progress from now on is ended by `Stopped`."""
        self._stopped = True

    def show(self, name: str, text: str) -> None:
        """What `name` is at. Raises `Stopped`."""
        if self._stopped:
            raise Stopped
        with self._lock:
            self._now[name] = f"{name}: {text}" if text else name
            if self._status:
                self._status.update("; ".join(self._now.values()))
                self._status.start()

    def remove(self, name: str, last: str) -> None:
        """`name` is over, with a last word that stays."""
        with self._lock:
            self._now.pop(name, None)
            if self._status and not self._now:
                self._status.stop()
        self.print(f"{name}: {last}")

    def print(self, text: str) -> None:
        """A line that stays."""
        clock = f"{time.monotonic() - self._began:6.1f} s"
        with self._lock:
            self.console.print(f"[dim]{clock}[/]  {text}", highlight=False, soft_wrap=True)


class Line:
    """One thing's progress. `say` may be called as often as one likes."""

    def __init__(self, live: Live, name: str) -> None:
        self._live = live
        self._name = name
        self._said = time.monotonic()
        live.show(name, "")

    def say(self, text: str) -> None:
        self._live.show(self._name, text)
        if not self._live.console.is_terminal and time.monotonic() - self._said > _EVERY_SECONDS:
            self._said = time.monotonic()
            self._live.print(f"{self._name}: {text}")

    def end(self, text: str) -> None:
        self._live.remove(self._name, text)
