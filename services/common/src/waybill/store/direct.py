"""Transactions of statements that run all the time, on the driver's connection: without what SQLAlchemy does
for each statement and its result, and in as few round trips as they need."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Final, cast

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from waybill.store.engine import BEGIN, StoreUnavailable, is_unavailable, limits_of, reason_of, settings_call

_BRIEF: Final[Mapping[str, str]] = {"lock_timeout": "1s"}

Parameters = Mapping[str, Any]


class NotDirectly(Exception):  # noqa: N818 - the name is the sentence
    """The transaction was not committed, and what is to be written is to be tried in another way: one of it
    was refused, or waited for a lock."""


class DirectConnection:
    """Within `transaction`."""

    def __init__(self, driver: psycopg.Connection[tuple[Any, ...]], pipeline: psycopg.Pipeline) -> None:
        self._driver = driver
        self._pipeline = pipeline

    def rows(self, statement: str, parameters: Parameters) -> Sequence[tuple[Any, ...]]:
        """The statement's result. It goes to the server together with what was sent before it."""
        cursor = self._driver.execute(statement, parameters)
        # Not only flushed: without an end of what was sent, the transaction is not idle for the server, which
        # then never ends that of a process that was stopped.
        self._pipeline.sync()
        return cursor.fetchall()


AnyConnection = Connection | DirectConnection
"""For statements that run in either sort of transaction."""


def rows(connection: AnyConnection, statement: str, parameters: Parameters) -> Sequence[tuple[Any, ...]]:
    """The result of a statement with `%(name)s`."""
    if isinstance(connection, DirectConnection):
        return connection.rows(statement, parameters)
    return cast("Sequence[tuple[Any, ...]]", connection.exec_driver_sql(statement, parameters).all())


def run_alone(engine: Engine, statement: str, values: Parameters) -> tuple[Any, ...] | None:
    """A statement that is a transaction of its own, within the server; the first row of its result, if it has
    one. Raises `StoreUnavailable`."""
    try:
        with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone() if cursor.description else None
    except (psycopg.Error, SQLAlchemyError) as error:
        raise StoreUnavailable(f"The database is unavailable: {reason_of(error)}") from error


@contextmanager
def transaction(engine: Engine, *, briefly: bool) -> Iterator[DirectConnection]:
    """Commits at the end of the block. `briefly`: it waits for locks for a second at most.

    Raises `StoreUnavailable` where the connection was lost: if in the commit itself, everything may have
    been written. Raises `NotDirectly` where nothing has.
    """
    pooled = _connection(engine)
    driver = cast("psycopg.Connection[tuple[Any, ...]]", pooled.driver_connection)
    committing = False
    try:
        with driver.pipeline() as pipeline:
            driver.execute(BEGIN)
            driver.execute(settings_call({**limits_of(engine), **(_BRIEF if briefly else {})}))
            yield DirectConnection(driver, pipeline)
            committing = True
            driver.execute("COMMIT")
    except psycopg.Error as error:
        if driver.closed:
            pooled.invalidate(error)
            engine.dispose()  # the other connections are as good as lost
        if driver.closed or committing:
            raise StoreUnavailable("The database is unavailable: try again later.") from error
        raise NotDirectly from error
    finally:
        if not driver.closed:
            with suppress(psycopg.Error):
                driver.rollback()
        pooled.close()


def _connection(engine: Engine) -> PoolProxiedConnection:
    try:
        return engine.raw_connection()
    except Exception as error:
        if is_unavailable(error):
            raise StoreUnavailable("The database is unavailable: try again later.") from error
        raise
