"""Statements on `saved_views`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from waybill.domain import Owner, SavedView
from waybill.store.tables import saved_views

_MOST_LISTED = 100


def usable(connection: Connection, owner: Owner) -> list[SavedView]:
    """The owner's, then those that others share in its tenant, each by name: 100 at most."""
    columns = saved_views.c
    wanted = and_(columns.tenant == owner.tenant, or_(columns.owner == owner.name, columns.shared))
    order = (columns.owner != owner.name), columns.name, columns.owner
    rows = connection.execute(select(saved_views).where(wanted).order_by(*order).limit(_MOST_LISTED))
    return [_view(row) for row in rows]


def get(connection: Connection, owner: Owner, name: str) -> SavedView | None:
    """The owner's."""
    row = connection.execute(select(saved_views).where(_named(owner, name))).first()
    return _view(row) if row else None


def number(connection: Connection, owner: Owner, but: str) -> int:
    """Of the owner's, other than `but`."""
    others = and_(_of(owner), saved_views.c.name != but)
    return connection.scalar(select(func.count()).select_from(saved_views).where(others)) or 0


def put(
    connection: Connection, owner: Owner, name: str, fields: Mapping[str, str], shared: bool
) -> SavedView:
    """Instead of what the owner has under this name."""
    values = {"fields": dict(fields), "shared": shared}
    statement = (
        insert(saved_views)
        .values(tenant=owner.tenant, owner=owner.name, name=name, **values)
        .on_conflict_do_update(
            index_elements=list(saved_views.primary_key.columns),
            set_={**values, "updated_at": func.clock_timestamp()},
        )
        .returning(*saved_views.c)
    )
    return _view(connection.execute(statement).one())


def remove(connection: Connection, found: SavedView) -> None:
    connection.execute(delete(saved_views).where(_named(found.owner, found.name)))


def _of(owner: Owner) -> ColumnElement[bool]:
    return and_(saved_views.c.tenant == owner.tenant, saved_views.c.owner == owner.name)


def _named(owner: Owner, name: str) -> ColumnElement[bool]:
    return and_(_of(owner), saved_views.c.name == name)


def _view(row: Row[Any]) -> SavedView:
    return SavedView(Owner(row.tenant, row.owner), row.name, row.fields, row.shared)
