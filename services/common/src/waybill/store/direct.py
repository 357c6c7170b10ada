"""Transactions of statements that run all the time, on the driver's connection: without what SQLAlchemy does
for each statement and its result, and in as few round trips as they need."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Final, cast

import psycopg
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from waybill.store.engine import BEGIN, StoreUnavailable, is_unavailable, limits_of, reason_of, settings_call

_BRIEF: Final[Mapping[str, str]] = {"lock_timeout": "1s"}
_PLANNED: Final[Mapping[str, str]] = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
}
"""The plan of a statement is made once for a connection, maybe while the tables are still empty. All of them
find some rows by an index, which is the right plan however many there are."""

_NO_LONGER_PREPARED: Final = (FeatureNotSupported, InvalidSqlStatementName)
"""A migration has changed the type of a column, or the statements were deallocated."""

Parameters = Mapping[str, Any]
Result = Sequence[tuple[Any, ...]]


class NotDirectly(Exception):  # noqa: N818 - the name is the sentence
    """The transaction was not committed, and what is to be written is to be tried in another way: one of it
    was refused, or waited for a lock."""


class DirectConnection:
    """Within `transaction`."""

    def __init__(self, driver: psycopg.Connection[tuple[Any, ...]], pipeline: psycopg.Pipeline) -> None:
        self._driver = driver
        self._pipeline = pipeline
        self._is_sent = True

    def send(self, statement: str, parameters: Parameters) -> Callable[[], Result]:
        """It goes to the server with the next statement whose result is asked for, or with the commit; the
        result can be asked for until then, or after that."""
        cursor = self._driver.execute(statement, parameters, prepare=True)
        self._is_sent = False

        def result() -> Result:
            if not self._is_sent:
                # Not only flushed: without an end of what was sent, the transaction is not idle for the
                # server, which then never ends that of a process that was stopped.
                self._pipeline.sync()
                self._is_sent = True
            return cursor.fetchall()

        return result

    def ends(self) -> None:
        """All results are there."""
        self._is_sent = True


AnyConnection = Connection | DirectConnection
"""For statements that run in either sort of transaction."""


def rows(connection: AnyConnection, statement: str, parameters: Parameters) -> Result:
    """The result of a statement with `%(name)s`."""
    return send(connection, statement, parameters)()


def send(connection: AnyConnection, statement: str, parameters: Parameters) -> Callable[[], Result]:
    """As `rows`, but where the connection can, it does not wait for the result until that is asked for."""
    if isinstance(connection, DirectConnection):
        return connection.send(statement, parameters)
    found = cast("Result", connection.exec_driver_sql(statement, parameters).all())
    return lambda: found


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
            driver.execute(settings_of(engine, briefly=briefly), prepare=True)
            connection = DirectConnection(driver, pipeline)
            yield connection
            # With what was sent before: where that fails, the server skips the commit.
            committing = True
            driver.execute("COMMIT")
        connection.ends()
    except psycopg.Error as error:
        is_lost = driver.closed
        if is_lost or isinstance(error, _NO_LONGER_PREPARED):
            pooled.invalidate(error)
        if is_lost:
            engine.dispose()  # the other connections are as good as lost
        if is_lost or (committing and error.sqlstate is None):
            raise StoreUnavailable("The database is unavailable: try again later.") from error
        raise NotDirectly from error
    finally:
        if not driver.closed:
            with suppress(psycopg.Error):
                driver.rollback()
        pooled.close()


def settings_of(engine: Engine, *, briefly: bool = False) -> str:
    """The statement that makes the settings of `transaction`."""
    return settings_call({**limits_of(engine), **_PLANNED, **(_BRIEF if briefly else {})})


def _connection(engine: Engine) -> PoolProxiedConnection:
    try:
        return engine.raw_connection()
    except Exception as error:
        if is_unavailable(error):
            raise StoreUnavailable("The database is unavailable: try again later.") from error
        raise
