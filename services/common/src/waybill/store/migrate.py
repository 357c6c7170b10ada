"""Brings the database's schema to this version, and gives the services' roles their rights."""

from collections.abc import Mapping
from types import MappingProxyType

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from waybill.store.engine import unavailability_explained
from waybill.store.grants import grant
from waybill.store.rights import Rights
from waybill.store.schema import MIGRATIONS, check_encoding, refusals_explained

_ONE_AT_A_TIME = 0x5741_5942  # the advisory lock that migrations hold


def migrate(engine: Engine, roles: Mapping[str, Rights] = MappingProxyType({})) -> str:
    """Runs what is missing, one process at a time, and returns the revision reached. Then each of `roles` has
    its rights, and no others. Safe to run again.

    Raises `StoreUnavailable`, and `UnsuitableDatabase` where this role or this database cannot have it; then
    nothing has changed.
    """
    with unavailability_explained(), refusals_explained():
        return _upgrade(engine, roles)


def _upgrade(engine: Engine, roles: Mapping[str, Rights]) -> str:
    with engine.begin() as connection:
        check_encoding(connection)
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        grant(connection, roles)
        return MigrationContext.configure(connection).get_current_revision() or ""


def _config() -> Config:
    config = Config()
    # Alembic reads it as a value of an INI file, in which a % begins an interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
