"""Which process does a task of maintenance: one at a time, and another soon after it has died or hangs."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Engine

from waybill.store.direct import run_alone

_HOLD: Final = """
WITH held AS (
    UPDATE maintenance_leases
    SET holder = %(holder)s, rank = %(rank)s, expires_at = clock_timestamp() + %(ttl)s
    WHERE task = %(task)s
      AND (holder = %(holder)s OR rank > %(rank)s OR expires_at + %(rank)s * %(ttl)s < clock_timestamp())
    RETURNING task
), made AS (
    INSERT INTO maintenance_leases (task, holder, rank, expires_at)
    SELECT %(task)s, %(holder)s, %(rank)s, clock_timestamp() + %(ttl)s
    WHERE NOT EXISTS (SELECT FROM maintenance_leases WHERE task = %(task)s)
    ON CONFLICT (task) DO NOTHING
    RETURNING task
)
SELECT EXISTS (SELECT FROM held) OR EXISTS (SELECT FROM made),
    (SELECT extract(epoch FROM expires_at + %(rank)s * %(ttl)s - clock_timestamp())::float
     FROM maintenance_leases WHERE task = %(task)s)
"""
_RELEASE: Final = """
UPDATE maintenance_leases SET expires_at = clock_timestamp() WHERE task = %(task)s AND holder = %(holder)s
"""


class TaskLease:
    """One process's view of the lease of `task`. Its holder renews it in time, or loses it.

    Each statement is a transaction of its own, within the server: a process that is stopped anywhere keeps no
    lock, and a pooler may give each of them another session. It bounds work that is done twice and makes
    nothing safe: one that was stopped while it held the lease finishes its batch beside the next holder's.
    """

    def __init__(
        self,
        engine: Engine,
        task: str,
        holder: str,
        time_to_live: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._values: dict[str, Any] = {"task": task, "holder": holder, "ttl": time_to_live}
        self._seconds = time_to_live.total_seconds()
        self._clock = clock
        self._held = False
        self._rank = 0
        self._ask_at = clock()

    def hold(self, rank: int = 0) -> bool:
        """Whether this process has the lease now. It takes one that ran out `rank` times its length ago, and
        one from a process of a higher rank. Asks the database only where the answer may have changed. Raises
        `StoreUnavailable`."""
        now = self._clock()
        if now < self._ask_at and rank == self._rank:
            return self._held
        self._held, self._rank, self._ask_at = False, rank, now
        found = run_alone(self._engine, _HOLD, {**self._values, "rank": rank})
        self._held, left = found or (False, None)
        wait = self._seconds / 2 if self._held or left is None else min(left, self._seconds)
        self._ask_at = now + max(wait, 0)
        return self._held

    @property
    def was_held(self) -> bool:
        """Whether it had the lease when it asked last. Asks nothing."""
        return self._held

    def release(self) -> None:
        """Another process may have it at once. Raises `StoreUnavailable`."""
        if self._held:
            self._held, self._ask_at = False, self._clock() + self._seconds
            run_alone(self._engine, _RELEASE, self._values)
