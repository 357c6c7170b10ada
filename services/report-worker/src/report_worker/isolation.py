"""Keeps a report that may kill its worker apart from all others."""

import time
from collections.abc import Callable
from datetime import timedelta

_MIN_ROOM = timedelta(seconds=10)


class Isolation:
    """What the runners may take now, once one of them has met a report that must run alone.

    Room is made for it: nothing is taken until every running report has ended, for as long as the report has
    waited already, at most. After that it is postponed for the same time, in which others have their turn. So
    it costs them half of the worker's time, and its patience grows until it is long enough. While it is
    claimed and runs, nothing is taken. One thread at a time uses it.
    """

    def __init__(self, is_idle: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        """`is_idle`: no report runs in this worker, and none is being claimed."""
        self._is_idle = is_idle
        self._clock = clock
        self._room_until: float | None = None
        self._alone = False

    def is_closed(self) -> bool:
        """Whether nothing may be taken now."""
        if self._is_idle():
            self._alone = False
            return False
        return self._alone or (self._room_until is not None and self._clock() < self._room_until)

    def make_room(self, waited: timedelta) -> bool:
        """For a report that has waited for so long. False where that has been tried, and was not enough."""
        if self._room_until is not None:
            self._room_until = None
            return False
        self._room_until = self._clock() + max(_MIN_ROOM, waited).total_seconds()
        return True

    def try_alone(self) -> None:
        """The report that room was made for is being claimed."""
        self._alone = True

    def started(self, *, alone: bool) -> None:
        """A report runs; `alone`: nothing else may until it has ended."""
        self._room_until = None
        self._alone = alone

    def give_up_room(self) -> None:
        """The report that it was made for went to another worker, or needs it no more."""
        self._room_until = None


def postponed_for(waited: timedelta) -> timedelta:
    """Until a report for which no room could be made gets its next command."""
    return max(_MIN_ROOM, waited)
