"""Brings the database's schema to this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from waybill.errors import WaybillError
from waybill.store.engine import StoreUnavailable, is_unavailable

_ONE_AT_A_TIME = 0x5741_5942  # the advisory lock that migrations hold


class SchemaBehind(WaybillError):  # noqa: N818 - the name is the sentence
    """The database lacks migrations that this version needs."""


def migrate(engine: Engine) -> str:
    """Runs what is missing, one process at a time, and returns the revision reached. Safe to run again.

    Raises `StoreUnavailable`.
    """
    try:
        return _upgrade(engine)
    except Exception as error:
        if is_unavailable(error):
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            raise StoreUnavailable(f"The database cannot be reached: {reason}") from error
        raise


def _upgrade(engine: Engine) -> str:
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return MigrationContext.configure(connection).get_current_revision() or ""


def check_schema(engine: Engine) -> None:
    """Raises `SchemaBehind`. A schema that is ahead is fine: old processes run on beside an upgrade."""
    script = ScriptDirectory.from_config(_config())
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    head = script.get_current_head()
    known = {revision.revision for revision in script.walk_revisions()}
    if current != head and (current is None or current in known):
        raise SchemaBehind(
            f"The database's schema is at {current or 'nothing'}, not {head}: run `waybill migrate`."
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
