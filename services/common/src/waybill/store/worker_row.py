"""A worker's row in `workers`: that it is there, and how much it can do at once."""

from typing import Any, Final

from sqlalchemy import Engine

from waybill.store.direct import run_alone

_WRITE: Final = """
WITH gone AS (DELETE FROM workers WHERE seen_at < statement_timestamp() - interval '1 hour')
INSERT INTO workers (name, slots, partitions, seen_at)
VALUES (%(name)s, %(slots)s, %(partitions)s, clock_timestamp())
ON CONFLICT (name) DO UPDATE
SET slots = excluded.slots, partitions = excluded.partitions, seen_at = excluded.seen_at
"""
_REMOVE: Final = "DELETE FROM workers WHERE name = %(name)s"


class WorkerRow:
    """Of one worker. It counts for 15 s after it was written. Each statement is a transaction of its own,
    within the server. Raises `StoreUnavailable`."""

    def __init__(self, engine: Engine, name: str, slots: int) -> None:
        self._engine = engine
        self._values: dict[str, Any] = {"name": name, "slots": slots}

    def write(self, partitions: int) -> None:
        """`partitions`: of the topic `report`, how many are assigned to it now."""
        run_alone(self._engine, _WRITE, {**self._values, "partitions": partitions})

    def remove(self) -> None:
        """It claims nothing any more."""
        run_alone(self._engine, _REMOVE, self._values)
