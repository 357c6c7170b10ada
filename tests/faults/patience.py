"""Waiting for as long as something moves: a slow machine is no breach, and what stands still is."""

import time
from collections.abc import Callable


class Patience:
    """Ends when a count has not grown for so many seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._most: int | None = None
        self._moved_at = 0.0

    def ends_at(self, count: int) -> bool:
        """Whether it ends at this count."""
        now = self._clock()
        if self._most is None or count > self._most:
            self._most, self._moved_at = count, now
        return now - self._moved_at > self._seconds
