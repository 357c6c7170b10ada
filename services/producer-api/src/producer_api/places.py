"""Places for long answers, so that threads stay free for short ones."""

import threading


class Places:
    """At most `limit` at once in this process; each is one thread's time for as long as it is taken."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        return self._taken

    def take(self) -> bool:
        """Whether there was one; then `release` it once."""
        with self._lock:
            if self._taken >= self._limit:
                return False
            self._taken += 1
            return True

    def release(self) -> None:
        with self._lock:
            self._taken -= 1
