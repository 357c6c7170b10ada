"""Whether a client still reaches its brokers."""

import json
import time
from collections.abc import Callable
from typing import Any

_SILENT_SECONDS = 20.0
"""Above the longest time between two heartbeats, which is 15 s unless brokers set another."""
_CHECK_SECONDS = 3.0
_STATISTICS_MS = 2000


class BrokerWatchdog:
    """Counts, by a client's own statistics, the responses of brokers.

    A broker that has just started may know of no broker at all. With that answer, librdkafka (from 2.13 on,
    its issue 5301) drops all of its own, and sends no request any more: no error, no event, and its group
    continues without it.
    """

    def __init__(self, is_reachable: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        """`is_reachable`: whether a new client reaches a broker; it may block, and is called only after some
        silence."""
        self._is_reachable = is_reachable
        self._clock = clock
        self._responses = 0
        self._response_at = self._checked_at = clock()
        self._suspicious = False

    def settings(self, *others: Callable[[str], None]) -> dict[str, Any]:
        """For the client that is watched; `others` get its statistics too."""

        def update(statistics: str) -> None:
            for listener in (self.update, *others):
                listener(statistics)

        return {"statistics.interval.ms": _STATISTICS_MS, "stats_cb": update}

    def update(self, statistics: str) -> None:
        """The client calls it with its statistics, in `poll`."""
        responses = json.loads(statistics)["rx"]
        if responses != self._responses:
            self._responses, self._response_at, self._suspicious = responses, self._clock(), False

    def client_is_stuck(self) -> bool:
        """Whether brokers answer others, and have not answered this client for long. Others are tried twice:
        a Kafka that comes back answers some first."""
        now = self._clock()
        if now - self._response_at < _SILENT_SECONDS or now - self._checked_at < _CHECK_SECONDS:
            return False
        suspicious, self._suspicious = self._suspicious, self._is_reachable()
        self._checked_at = self._clock()
        return suspicious and self._suspicious
