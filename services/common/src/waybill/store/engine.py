"""Connections to PostgreSQL, directly or through a pooler that gives each transaction another session."""

import math
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import psycopg
import sqlalchemy
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from waybill.database_url import connection_options
from waybill.errors import RetryableError

_PINNED: Final[Mapping[str, str]] = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "jit": "off",
}
"""The forms in which times are read and written here, whatever the server, database or role has set. No plan
is compiled: the planner expects a hundred kinds, and would compile what takes milliseconds."""

_LIMITS: Final[Mapping[str, str]] = {"lock_timeout": "20s", "idle_in_transaction_session_timeout": "15s"}
"""A transaction that its process has left open (stopped, cut off) is ended by the server, so that its locks
never hold up the others for longer. Those that the address sets in `options` are left to it."""

BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
_LIMITS_OPTION = "waybill_limits"

_REST_SECONDS = 1.0
_NEVER_UNASKED = sys.maxsize

_QUOTED = re.compile(r"""["„«][^"“”»]*["“”»]|(?<!\w)'[^']*'""")
_ADDRESS = re.compile(r" ?\([0-9A-Fa-f.:%]+\)")
_OPTION = re.compile(r"(?:-c\s*|--)([\w.-]+)\s*=")


class StoreUnavailable(RetryableError):  # noqa: N818 - the name is the sentence
    """The database cannot be reached now, or takes no writes."""


def create_engine(address: str, *, application: str, pool_size: int = 5, max_overflow: int = 10) -> Engine:
    """Opens no connection yet. `address` as `waybill.database_url` reads it, which raises `WrongDatabaseUrl`;
    `application` is what `pg_stat_activity` shows.

    No settings are kept in the server's session between two transactions, and prepared statements only where
    the session is this connection's own. So PgBouncer may give each transaction another session.
    """
    options = connection_options(address, application)
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=5,
        hide_parameters=True,  # they are what clients sent, and an error's text goes to logs and spans
        # Without autocommit, psycopg would send a BEGIN of its own.
        connect_args={**options, "prepare_threshold": None, "autocommit": True},
    )
    set_in_options = _names(options.get("options", ""))
    limits = {name: value for name, value in _LIMITS.items() if name not in set_in_options}
    engine.update_execution_options(**{_LIMITS_OPTION: limits})
    begin = f"{BEGIN}; {settings_call(limits)}"  # in one round trip

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin, execution_options={"no_parameters": True})

    event.listen(engine, "handle_error", _leave_a_standby)
    event.listen(engine, "connect", _prepare_where_asked)
    _ping_after_a_rest(engine)
    return engine


def _prepare_where_asked(driver: psycopg.Connection[Any], _: ConnectionPoolEntry) -> None:
    """Allows statements that are executed with `prepare=True` to be planned once. Not behind a pooler, which
    may give each transaction another session: it has a number of its own for the connection."""
    session = driver.execute("SELECT pg_backend_pid()").fetchone()
    if session == (driver.info.backend_pid,):
        driver.prepare_threshold = _NEVER_UNASKED


def _ping_after_a_rest(engine: Engine) -> None:
    """A connection that has done nothing for a while may have been cut meanwhile: then the pool makes
    another. One that is in use all the time is not asked each time."""

    @event.listens_for(engine, "checkin")
    def rests(_: object, record: ConnectionPoolEntry) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ping_it(driver: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        if time.monotonic() - record.info.get("rests_since", math.inf) < _REST_SECONDS:
            return
        try:
            engine.dialect.do_ping(driver)
        except psycopg.Error as error:
            raise DisconnectionError from error


def limits_of(engine: Engine) -> Mapping[str, str]:
    """The settings that bound its transactions."""
    limits: Mapping[str, str] = engine.get_execution_options()[_LIMITS_OPTION]
    return limits


@cache
def _call(settings: tuple[tuple[str, str], ...]) -> str:
    calls = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings)
    return f"SELECT {calls}"


def settings_call(limits: Mapping[str, str]) -> str:
    """The statement that makes the settings of a transaction."""
    return _call((*_PINNED.items(), *limits.items()))


def _names(options: str) -> set[str]:
    """The settings of the session that `-c name=value --name=value` makes."""
    return {name.replace("-", "_").lower() for name in _OPTION.findall(options)}


def _leave_a_standby(context: ExceptionContext) -> None:
    """After a failover the pool may reach a server that takes no changes: as good as none, so that its
    connections are dropped."""
    if isinstance(context.original_exception, ReadOnlySqlTransaction):
        context.is_disconnect = True


def is_unavailable(error: Exception) -> bool:
    """Whether `error` says that the database is away or in trouble, and not that the statement is wrong."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(
        error, OperationalError | InterfaceError | InternalError | PoolTimeout | StoreUnavailable
    )


def is_refused(error: Exception) -> bool:
    """Whether the database answers, but refuses what it should take from anyone: a table or a privilege is
    missing. Not where the values are to blame."""
    return isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError)


@contextmanager
def unavailability_explained() -> Iterator[None]:
    """Raises `StoreUnavailable` with the server's reason where the database is away, but without the names in
    it: probes and logs show it."""
    try:
        yield
    except Exception as error:
        if not is_unavailable(error):
            raise
        reason = reason_of(error)
        raise StoreUnavailable(f"The database cannot be reached: {reason}") from error


def reason_of(error: BaseException) -> str:
    """What the database or libpq says, in one line, without the names of hosts, users and databases: these
    are quoted, and an address is in brackets."""
    reason = " ".join(str(getattr(error, "orig", None) or error).split())
    return _ADDRESS.sub("", _QUOTED.sub("…", reason))


def ping(engine: Engine) -> None:
    """Raises `StoreUnavailable`."""
    with unavailability_explained(), engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def check_writable(engine: Engine) -> None:
    """Raises `StoreUnavailable`, also where the database can only be read. Then the next connection is a new
    one, which may reach another server."""
    with unavailability_explained(), engine.connect() as connection:
        standby, read_only = connection.execute(
            text("SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'")
        ).one()
    if read_only:
        engine.dispose()
        reason = "it is a standby" if standby else "default_transaction_read_only is on"
        raise StoreUnavailable(f"The database takes no writes: {reason}.")
