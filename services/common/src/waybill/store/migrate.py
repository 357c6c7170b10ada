"""Brings the database's schema to this version."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import InsufficientPrivilege, InvalidSchemaName
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from waybill.errors import WaybillError
from waybill.store.engine import is_unavailable, reason_of, unavailability_explained
from waybill.store.tables import APPENDED, RELATIONS

_ONE_AT_A_TIME = 0x5741_5942  # the advisory lock that migrations hold
_DENIED = text(
    "SELECT string_agg(DISTINCT name, ', ')"
    " FROM unnest(CAST(:tables AS text[]) || CAST(:appended AS text[])) AS name,"
    " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege"
    " WHERE NOT has_table_privilege(to_regclass(name), privilege)"
    " AND NOT (name = ANY (CAST(:appended AS text[])) AND privilege IN ('UPDATE', 'DELETE'))"
)
_MAY_REMOVE = text(
    "SELECT has_function_privilege(to_regprocedure('remove_old_audit(interval, integer)'), 'EXECUTE')"
)

_TEMPORARY = text("SELECT relpersistence = 't' FROM pg_class WHERE oid = to_regclass('alembic_version')")


class SchemaBehind(WaybillError):  # noqa: N818 - the name is the sentence
    """The database lacks migrations that this version needs."""


class UnsuitableDatabase(WaybillError):  # noqa: N818 - the name is the sentence
    """The role may not do what it must, or the database cannot hold every text."""


def migrate(engine: Engine) -> str:
    """Runs what is missing, one process at a time, and returns the revision reached. Safe to run again.

    Raises `StoreUnavailable`, and `UnsuitableDatabase` where this role or this database cannot have it.
    """
    with unavailability_explained(), _refusals_explained():
        return _upgrade(engine)


def _upgrade(engine: Engine) -> str:
    with engine.begin() as connection:
        _check_encoding(connection)
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return MigrationContext.configure(connection).get_current_revision() or ""


def check_schema(engine: Engine) -> None:
    """Raises `SchemaBehind`, or `UnsuitableDatabase`. A schema that is ahead is fine: old processes run on
    beside an upgrade."""
    with unavailability_explained(), engine.connect() as connection:
        _check_encoding(connection)
        with _refusals_explained():
            current = MigrationContext.configure(connection).get_current_revision()
        head, known = _revisions()
        if current != head and (current is None or current in known):
            raise SchemaBehind(
                f"The database's schema is at {current or 'nothing'}, not {head}: run `waybill migrate`."
            )
        _check_tables(connection)


def _check_encoding(connection: Connection) -> None:
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


def _check_tables(connection: Connection) -> None:
    """The role that migrates may be another one than that of the services."""
    denied = connection.scalar(_DENIED, {"tables": list(RELATIONS), "appended": list(APPENDED)})
    if denied:
        raise UnsuitableDatabase(
            f"The role may not read and write every table ({denied}): "
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA … TO it; "
            "REVOKE UPDATE, DELETE ON audit FROM it."
        )
    if not connection.scalar(_MAY_REMOVE):
        raise UnsuitableDatabase(
            "The role may not remove what is old from the audit: "
            "GRANT EXECUTE ON FUNCTION remove_old_audit TO it."
        )


@contextmanager
def _refusals_explained() -> Iterator[None]:
    """Raises `UnsuitableDatabase` where the role lacks a privilege, there is no schema for tables, or a
    setting of the database or the role is in the way."""
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
            f"The database refuses it ({error.orig.diag.message_primary}): let the role that migrates own "
            "the tables, and GRANT USAGE, CREATE ON its schema, as a rule SCHEMA public, TO it."
        ) from error


@cache
def _revisions() -> tuple[str | None, frozenset[str]]:
    """The newest revision of this version, and all that it knows."""
    script = ScriptDirectory.from_config(_config())
    return script.get_current_head(), frozenset(one.revision for one in script.walk_revisions())


def _config() -> Config:
    config = Config()
    # Alembic reads it as a value of an INI file, in which a % begins an interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
