"""Brings the database's schema to this version."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from waybill.store.engine import unavailability_explained
from waybill.store.schema import MIGRATIONS, check_encoding, refusals_explained

_ONE_AT_A_TIME = 0x5741_5942  # the advisory lock that migrations hold


def migrate(engine: Engine) -> str:
    """Runs what is missing, one process at a time, and returns the revision reached. Safe to run again.

    Raises `StoreUnavailable`, and `UnsuitableDatabase` where this role or this database cannot have it.
    """
    with unavailability_explained(), refusals_explained():
        return _upgrade(engine)


def _upgrade(engine: Engine) -> str:
    with engine.begin() as connection:
        check_encoding(connection)
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return MigrationContext.configure(connection).get_current_revision() or ""


def _config() -> Config:
    config = Config()
    # Alembic reads it as a value of an INI file, in which a % begins an interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
