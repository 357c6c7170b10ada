"""A worker's row in `workers`: that it is there, and how much it can do at once."""

from contextlib import closing
from typing import Any, Final

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from waybill.store.engine import StoreUnavailable, reason_of

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
        self._values = {"name": name, "slots": slots}

    def write(self, partitions: int) -> None:
        """`partitions`: of the topic `report`, how many are assigned to it now."""
        self._execute(_WRITE, partitions=partitions)

    def remove(self) -> None:
        """It claims nothing any more."""
        self._execute(_REMOVE)

    def _execute(self, statement: str, **more: Any) -> None:
        try:
            with closing(self._engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
                cursor.execute(statement, {**self._values, **more})
        except (psycopg.Error, SQLAlchemyError) as error:
            raise StoreUnavailable(f"The database is unavailable: {reason_of(error)}") from error
