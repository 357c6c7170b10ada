"""Alembic's environment: always on the connection of `waybill.store.migrate`."""

from alembic import context
from alembic.migration import MigrationContext

from waybill.store.schema import check_kept
from waybill.store.tables import metadata


def _applied(ctx: MigrationContext, *_: object, **__: object) -> None:
    """After each migration, so that the first one says what is wrong, and not a later one's failure."""
    if ctx.connection is not None:
        check_kept(ctx.connection)


context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, on_version_apply=_applied
)
context.run_migrations()
