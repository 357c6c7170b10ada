"""Whether the database's schema is that of this version. It knows no Alembic, which only
`waybill.store.migrate` needs: a worker's memory is less by it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from psycopg.errors import InsufficientPrivilege, InvalidSchemaName
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from waybill.errors import WaybillError
from waybill.store.engine import is_unavailable, reason_of, unavailability_explained

MIGRATIONS: Final = Path(__file__).parent / "migrations"
"""The folder of Alembic's environment. In its `versions`, a file's name begins with its revision."""

_VERSIONS = text("SELECT to_regclass('alembic_version')")
_CURRENT = text("SELECT version_num FROM alembic_version")
_NO_SCHEMA = text("SELECT current_schema() IS NULL")
_TEMPORARY = text("SELECT relpersistence = 't' FROM pg_class WHERE oid = to_regclass('alembic_version')")


class SchemaBehind(WaybillError):  # noqa: N818 - the name is the sentence
    """The database lacks migrations that this version needs."""


class UnsuitableDatabase(WaybillError):  # noqa: N818 - the name is the sentence
    """The role may not do what it must, or the database cannot hold every text."""


def check_schema(engine: Engine) -> None:
    """Raises `SchemaBehind`, or `UnsuitableDatabase`. A schema that is ahead is fine: old processes run on
    beside an upgrade."""
    with unavailability_explained(), engine.connect() as connection:
        check_encoding(connection)
        with refusals_explained(_SERVICES):
            current = _current(connection)
        known = revisions()
        head = known[-1]
        if current != head and (current is None or current in known):
            raise SchemaBehind(
                f"The database's schema is at {current or 'nothing'}, not {head}: run `waybill migrate`."
            )


def check_encoding(connection: Connection) -> None:
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise UnsuitableDatabase(
            f"The database's encoding is {encoding}, in which not every text can be kept: create it with "
            "ENCODING 'UTF8' TEMPLATE template0."
        )


def check_kept(connection: Connection) -> None:
    """Tables go where `search_path` says, if need be into a schema that ends with the session. Raises
    `UnsuitableDatabase`."""
    if connection.scalar(_TEMPORARY):
        raise UnsuitableDatabase(
            "The database would keep no table: its search_path, or the role's, begins with pg_temp. "
            "Set it to a schema, as a rule public."
        )


_MIGRATION: Final = (
    "let the role that migrates own the tables, and GRANT USAGE, CREATE ON its schema, as a rule SCHEMA "
    "public, TO it"
)
_SERVICES: Final = "give the services' roles their rights by `waybill migrate --grant-api … --grant-worker …`"


@contextmanager
def refusals_explained(remedy: str = _MIGRATION) -> Iterator[None]:
    """Raises `UnsuitableDatabase` where the role lacks a privilege, which `remedy` gives it, there is no
    schema for tables, or a setting of the database or the role is in the way."""
    try:
        yield
    except DBAPIError as error:
        if is_unavailable(error):
            raise
        if not isinstance(error.orig, InsufficientPrivilege | InvalidSchemaName):
            raise UnsuitableDatabase(
                f"The database refuses it ({reason_of(error)}): look at the settings of the database "
                "and of the role."
            ) from error
        raise UnsuitableDatabase(
            f"The database refuses it ({error.orig.diag.message_primary}): {remedy}."
        ) from error


def _current(connection: Connection) -> str | None:
    """The schema's revision; None before the first migration."""
    if connection.scalar(_VERSIONS) is None:
        if connection.scalar(_NO_SCHEMA):
            raise UnsuitableDatabase(
                "The role sees no schema of the database: GRANT USAGE ON SCHEMA …, as a rule public, TO it, "
                "or set its search_path."
            )
        return None
    revision: str | None = connection.scalar(_CURRENT)
    return revision


@cache
def revisions() -> tuple[str, ...]:
    """All that this version knows, in order; the newest is the last. By the names of their files."""
    return tuple(sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py")))
