"""A time after which a running statement is stopped."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

_AGAIN_SECONDS = 0.5


class Deadline:
    """From now on."""

    def __init__(self, limit: timedelta) -> None:
        self.limit = limit
        self._ends = time.monotonic() + limit.total_seconds()

    @property
    def left(self) -> float:
        """Seconds, at least 0."""
        return max(0.0, self._ends - time.monotonic())

    @property
    def is_over(self) -> bool:
        return self.left == 0

    @contextmanager
    def stopping(self, stop: Callable[[], object]) -> Iterator[None]:
        """Calls `stop` from another thread if the block is not over by then, and again while it is not: one
        call between two statements stops neither. That thread has ended when this returns."""
        over = threading.Event()

        def wait() -> None:
            pause = self.left
            while not over.wait(pause):
                with suppress(Exception):  # what is stopped says so itself
                    stop()
                pause = _AGAIN_SECONDS

        thread = threading.Thread(target=wait, name="deadline", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def sentence(self) -> str:
        return (
            f"It took longer than {self.limit.total_seconds():g} s, its time-out: choose less, or raise the"
            " step's timeout, or statement_timeout of its source."
        )
