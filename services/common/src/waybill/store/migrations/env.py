"""Alembic's environment: always on the connection of `waybill.store.migrate`."""

from alembic import context

from waybill.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
