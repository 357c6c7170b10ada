"""Statements on `choice_lists`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from waybill.store.statements._rows import ago
from waybill.store.tables import choice_lists, definitions


@dataclass(frozen=True)
class StoredChoices:
    """What the sources answered, as JSON, and when; None where no worker has asked them yet."""

    content: str | None
    read_at: datetime | None


def want(connection: Connection, digest: str, again_after: timedelta) -> StoredChoices:
    """Says that a client looks at the choices of a definition, unless that was said a short time ago."""
    new = insert(choice_lists).values(digest=digest)
    wanted = new.on_conflict_do_update(
        index_elements=[choice_lists.c.digest],
        set_={"wanted_at": func.clock_timestamp()},
        where=choice_lists.c.wanted_at < ago(again_after),
    )
    connection.execute(wanted)
    columns = choice_lists.c.content, choice_lists.c.read_at
    row = connection.execute(select(*columns).where(choice_lists.c.digest == digest)).one()
    return StoredChoices(*row)


def due(connection: Connection, wanted_within: timedelta, read_before: timedelta) -> dict[str, str]:
    """The texts of at most ten definitions, by digest, whose choices a client has looked at within the one
    time, and which were read for the last time before the other."""
    statement = (
        select(choice_lists.c.digest, definitions.c.text)
        .join(definitions, definitions.c.digest == choice_lists.c.digest)
        .where(
            choice_lists.c.wanted_at > ago(wanted_within),
            or_(choice_lists.c.read_at.is_(None), choice_lists.c.read_at < ago(read_before)),
        )
        .order_by(choice_lists.c.read_at.asc().nulls_first())
        .limit(10)
    )
    return {row.digest: row.text for row in connection.execute(statement)}


def put(connection: Connection, digest: str, content: str) -> None:
    """What the sources answered just now."""
    statement = update(choice_lists).where(choice_lists.c.digest == digest)
    connection.execute(statement.values(content=content, read_at=func.clock_timestamp()))


def remove_unwanted(connection: Connection, age: timedelta) -> None:
    """Those that no client has looked at for so long."""
    connection.execute(delete(choice_lists).where(choice_lists.c.wanted_at < ago(age)))
