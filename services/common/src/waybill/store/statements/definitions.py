"""Statements on `definitions`."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from waybill.store.tables import definitions


def put(connection: Connection, digest: str, kind: str, text: str) -> None:
    """Keeps the text, unless it is there."""
    statement = insert(definitions).values(digest=digest, kind=kind, text=text)
    connection.execute(statement.on_conflict_do_nothing())


def get(connection: Connection, digest: str) -> str | None:
    """The text with this digest."""
    found: str | None = connection.scalar(select(definitions.c.text).where(definitions.c.digest == digest))
    return found
