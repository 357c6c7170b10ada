"""A worker's row in `workers`: that it is there, how much it can do at once, and which kinds it offers."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Engine

from waybill.store.direct import run_alone

_WRITE: Final = """
WITH gone AS (DELETE FROM workers WHERE seen_at < statement_timestamp() - interval '1 hour')
INSERT INTO workers (name, slots, partitions, kinds, seen_at)
VALUES (%(name)s, %(slots)s, %(partitions)s, %(kinds)s, clock_timestamp())
ON CONFLICT (name) DO UPDATE
SET slots = excluded.slots, partitions = excluded.partitions, kinds = excluded.kinds,
    seen_at = excluded.seen_at
"""
_REMOVE: Final = "DELETE FROM workers WHERE name = %(name)s"
_MOST_KINDS: Final = 1_000
"""They are written every few seconds, and read for pages. Of a worker with more they are not known."""


class WorkerRow:
    """Of one worker. It counts for 15 s after it was written. Each statement is a transaction of its own,
    within the server. Raises `StoreUnavailable`."""

    def __init__(self, engine: Engine, name: str, slots: int, kinds: Sequence[str] | None = None) -> None:
        """`kinds`: the names of those that are installed; None where that is not known."""
        self._engine = engine
        known = kinds if kinds is not None and len(kinds) <= _MOST_KINDS else None
        self._values: dict[str, Any] = {"name": name, "slots": slots, "kinds": known}

    def write(self, partitions: int) -> None:
        """`partitions`: of the topic `report`, how many are assigned to it now."""
        run_alone(self._engine, _WRITE, {**self._values, "partitions": partitions})

    def remove(self) -> None:
        """It claims nothing any more."""
        run_alone(self._engine, _REMOVE, self._values)
