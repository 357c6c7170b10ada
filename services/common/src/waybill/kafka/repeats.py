"""librdkafka says the same at every try, several times a second without Kafka: once a minute is enough."""

import logging
import re
import time
from collections.abc import Callable

_PAUSE_SECONDS = 60.0
_MAX_KNOWN = 1000
_NUMBER = re.compile(r"\d+")


class OncePerMinute(logging.Filter):
    """Lets a line through if none like it was in the last minute. Lines that differ in numbers alone, such as
    those of a client's handle or of milliseconds, are alike. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        line = _NUMBER.sub("#", record.getMessage())
        now = self._clock()
        if now - self._passed.get(line, -_PAUSE_SECONDS) < _PAUSE_SECONDS:
            return False
        if len(self._passed) >= _MAX_KNOWN:
            self._passed.clear()
        self._passed[line] = now
        return True
