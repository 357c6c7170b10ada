"""Connections to PostgreSQL."""

import sqlalchemy
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import Engine, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from waybill.errors import RetryableError


class StoreUnavailable(RetryableError):  # noqa: N818 - the name is the sentence
    """The database cannot be reached now."""


def create_engine(url: str, *, application: str, pool_size: int = 5, max_overflow: int = 10) -> Engine:
    """Opens no connection yet. `application` is what `pg_stat_activity` shows.

    A transaction that its process has left open (stopped, cut off) is ended by the server after 15 s, so
    that its locks never hold up the others for longer.
    """
    engine = sqlalchemy.create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={
            "application_name": application,
            "connect_timeout": 5,
            "options": "-c idle_in_transaction_session_timeout=15000 -c lock_timeout=20000",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20000,
        },
    )
    event.listen(engine, "handle_error", _leave_a_standby)
    return engine


def _leave_a_standby(context: ExceptionContext) -> None:
    """After a failover the pool may reach a server that takes no changes: as good as none, so that its
    connections are dropped."""
    if isinstance(context.original_exception, ReadOnlySqlTransaction):
        context.is_disconnect = True


def is_unavailable(error: Exception) -> bool:
    """Whether `error` says that the database is away, and not that the statement is wrong."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, OperationalError | InterfaceError | PoolTimeout | StoreUnavailable)


def ping(engine: Engine) -> None:
    """Raises `StoreUnavailable`."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception as error:
        if is_unavailable(error):
            raise StoreUnavailable(f"The database cannot be reached: {_first_line(error)}") from error
        raise


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
