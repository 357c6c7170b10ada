"""How many status streams an owner and its tenant may have open, in all processes together.

Each process counts its own, and shares the numbers of those who have a limit by rows that it renews. So the
limit is exact within a process; between processes, those that are opened in the same moment do not see each
other. The limits are read again every two seconds, when a stream is opened.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from waybill.domain import HolderLimits, Level, LimitName, Owner, Reached, values_for
from waybill.ledger import LimitReached
from waybill.periodic import PeriodicTask
from waybill.store import StoreUnavailable

_RENEWED = timedelta(seconds=5)
"""Rows that were not written for three times as long do not count."""
_READ_SECONDS = 2.0
_RETRY_SECONDS = 5.0
"""After which a client may try again: another stream may end any moment."""


class Rows(Protocol):
    """By which processes share their numbers: `waybill.store.StreamRows`."""

    def open(self, owner: Owner, streams: int, room: Mapping[Level, int]) -> Mapping[Level, int]: ...

    def write(self, streams: Mapping[Owner, int]) -> None: ...


class StreamLimits:
    """Threads may share one. It has a thread that renews the rows, and writes nothing while no limit holds
    for a stream that is open."""

    def __init__(
        self,
        read: Callable[[], Sequence[HolderLimits]],
        rows: Rows,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read`: all limits as they are now; it may raise `StoreUnavailable`."""
        self._read = read
        self._rows = rows
        self._clock = clock
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._open: Counter[Owner] = Counter()
        self._limits: Sequence[HolderLimits] = ()
        self._read_at = -_READ_SECONDS
        self._has_rows = False
        self._renewing = PeriodicTask("stream limits", _RENEWED, self.renew)

    def start(self) -> None:
        self._renewing.start()

    def stop(self) -> None:
        """Its streams count no more."""
        self._renewing.stop()
        if self._has_rows:
            with suppress(StoreUnavailable):  # then they soon do not count any more
                self._rows.write({})

    def open(self, owner: Owner) -> Callable[[], None]:
        """A stream of `owner`; what this returns is to be called once at its end. Raises `LimitReached`, or
        `StoreUnavailable` where that cannot be known now."""
        with self._lock:
            self._open[owner] += 1
        try:
            self._check(owner)
        except BaseException:
            self._close(owner)
            raise
        return lambda: self._close(owner)

    def renew(self) -> None:
        """Writes the numbers of those who have a limit. Raises `StoreUnavailable`."""
        with self._opening:  # else it would overwrite a row that is written meanwhile
            with self._lock:
                streams = {owner: number for owner, number in self._open.items() if self._maxima(owner)}
            if streams or self._has_rows:
                self._rows.write(streams)
                self._has_rows = bool(streams)

    # --- parts

    def _close(self, owner: Owner) -> None:
        with self._lock:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]

    def _check(self, owner: Owner) -> None:
        self._read_again()
        maxima = self._maxima(owner)
        if not maxima:
            return
        with self._opening:  # so that the row has the later number
            ours = self._count(owner)
            room = {level: most - ours[level] for level, most in maxima.items()}
            _refuse_without(room, maxima)
            self._has_rows = True
            others = self._rows.open(owner, ours[Level.OWNER], room)
        _refuse_without({level: number - others[level] for level, number in room.items()}, maxima)

    def _read_again(self) -> None:
        now = self._clock()
        if now - self._read_at >= _READ_SECONDS:
            self._limits = [one for one in self._read() if one.values.max_streams is not None]
            self._read_at = now

    def _maxima(self, owner: Owner) -> dict[Level, int]:
        values = {level: values_for(level, owner, self._limits).max_streams for level in Level}
        return {level: value for level, value in values.items() if value is not None}

    def _count(self, owner: Owner) -> dict[Level, int]:
        with self._lock:
            of_tenant = sum(number for one, number in self._open.items() if one.tenant == owner.tenant)
            return {Level.TENANT: of_tenant, Level.OWNER: self._open[owner]}


def _refuse_without(room: Mapping[Level, int], maxima: Mapping[Level, int]) -> None:
    for level, left in room.items():
        if left < 0:
            raise LimitReached(Reached(LimitName.STREAMS, level, maxima[level], _RETRY_SECONDS))
