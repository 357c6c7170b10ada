"""Shows what goes on side by side, each with its seconds: in place on a terminal, else as plain lines."""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TextIO

_REDRAW_SECONDS = 0.2
_NEWS_SECONDS = 5.0
_NO_NEWS_SECONDS = 30.0
"""Without a terminal: the least time between two lines of one task, with and without something new to say."""


@dataclass
class Task:
    """One line. `say` may be called from any thread, as often as one likes."""

    name: str
    begin: float = field(default_factory=time.monotonic)
    text: str = ""
    seconds: float | None = None
    """How long it took; None while it runs."""
    failed: bool = False

    def say(self, text: str) -> None:
        self.text = text

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """The task lasts as long as the block, and has failed if that raises."""
        self.begin = time.monotonic()
        try:
            yield
        except BaseException:
            self.failed = True
            raise
        finally:
            self.seconds = self.elapsed

    @property
    def elapsed(self) -> float:
        return self.seconds if self.seconds is not None else time.monotonic() - self.begin


class Progress:
    """The lines of all tasks, kept up to date by a thread until the end of the `with` block.

    A task may go on beyond the block: its line then stays as it was at the end.
    """

    def __init__(self, out: TextIO, tasks: Iterable[Task] = ()) -> None:
        self._out = out
        self._in_place = out.isatty() and os.environ.get("TERM") != "dumb"
        self._tasks = list(tasks)
        self._drawn = 0
        self._printed: dict[str, tuple[float, str]] = {}
        """By task: when a line of it was last printed, and its text."""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing, name="progress", daemon=True)

    @contextlib.contextmanager
    def task(self, name: str) -> Iterator[Task]:
        """A line that ends with the block: its last `say` is what stays."""
        task = Task(name)
        with self._lock:
            self._tasks.append(task)
        try:
            with task.timed():
                yield task
        finally:
            self._draw()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._draw()

    def _keep_drawing(self) -> None:
        while not self._ended.wait(_REDRAW_SECONDS):
            self._draw()

    def _draw(self) -> None:
        with self._lock:
            if self._in_place:
                self._draw_in_place()
            else:
                self._print_news()
            self._out.flush()

    def _draw_in_place(self) -> None:
        width = shutil.get_terminal_size().columns - 1
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        lines = "".join(f"\x1b[2K{_line(task)[:width]}\n" for task in self._tasks)
        self._out.write(f"{up}{lines}")
        self._drawn = len(self._tasks)

    def _print_news(self) -> None:
        now = time.monotonic()
        for task in self._tasks:
            if task.seconds is None and not task.text:
                continue
            when, text = self._printed.get(task.name, (float("-inf"), ""))
            pause = _NO_NEWS_SECONDS if task.text == text else _NEWS_SECONDS
            if task.seconds is not None or now - when >= pause:
                self._printed[task.name] = (now, task.text)
                self._out.write(f"{_line(task)}\n")
        self._tasks = [task for task in self._tasks if task.seconds is None]


def _line(task: Task) -> str:
    sign = " " if task.seconds is None else "✗" if task.failed else "✓"
    return f"{sign} {duration(task.elapsed):>7}  {task.name:<14} {task.text}"


def duration(seconds: float) -> str:
    """`4.2 s`, and from a minute on `2:05 min`."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02} min"


def remaining(elapsed: float, done: int, total: int) -> str:
    """`, about 2:05 min left` at the pace so far; empty while that says nothing."""
    if done < total / 20 or elapsed < 5 or done >= total:
        return ""
    left = round(elapsed * (total - done) / done, -1)
    if left < 10:
        return ""
    return f", about {left:.0f} s left" if left < 60 else f", about {duration(left)} left"


def size(octets: float) -> str:
    """In decimal units: `43 MB`, `1.2 GB`."""
    for unit in ("B", "kB", "MB"):
        if octets < 1000:
            return f"{octets:.0f} {unit}"
        octets /= 1000
    return f"{octets:.1f} GB"
