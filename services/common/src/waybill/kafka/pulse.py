"""Whether a client still hears from Kafka."""

import json
import time
from collections.abc import Callable
from typing import Any

_SILENT_SECONDS = 20.0
"""Above the longest time between two heartbeats, which is 15 s unless brokers are told otherwise."""
_ASK_SECONDS = 3.0
_STATISTICS_MS = 2000


class Pulse:
    """Counts, by a client's own statistics, what brokers answer it.

    A broker that has just started may know of no broker at all. Told so, librdkafka (from 2.13 on, its issue
    5301) forgets all of its own, and asks nobody any more: no error, no event, and its group does without it.
    """

    def __init__(
        self, others_are_answered: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`others_are_answered` may block; it is asked only after some silence."""
        self._others_are_answered = others_are_answered
        self._clock = clock
        self._answers = 0
        self._heard_at = self._asked_at = clock()
        self._suspicious = False

    def settings(self) -> dict[str, Any]:
        """Of the client that is to be listened to."""
        return {"statistics.interval.ms": _STATISTICS_MS, "stats_cb": self.take}

    def take(self, statistics: str) -> None:
        """What the client tells of itself from time to time, in `poll`."""
        answers = json.loads(statistics)["rx"]
        if answers != self._answers:
            self._answers, self._heard_at, self._suspicious = answers, self._clock(), False

    def has_stopped(self) -> bool:
        """Whether Kafka answers others, and for long has not answered this client. Others are asked twice: a
        Kafka that comes back answers some first."""
        now = self._clock()
        if now - self._heard_at < _SILENT_SECONDS or now - self._asked_at < _ASK_SECONDS:
            return False
        suspicious, self._suspicious = self._suspicious, self._others_are_answered()
        self._asked_at = self._clock()
        return suspicious and self._suspicious
