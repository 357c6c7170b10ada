"""Statements on `parameter_sets`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from waybill.domain import Owner, ParameterSet
from waybill.store.tables import parameter_sets

_MOST_LISTED = 500


def usable(connection: Connection, owner: Owner, kind: str) -> list[ParameterSet]:
    """The owner's, and those that are shared in its tenant, by name: 500 at most."""
    statement = (
        select(parameter_sets).where(_usable(owner, kind)).order_by(*_order(owner)).limit(_MOST_LISTED)
    )
    return [_set(row) for row in connection.execute(statement)]


def get(connection: Connection, owner: Owner, kind: str, name: str) -> ParameterSet | None:
    """The owner's; else one that is shared, the first of this name."""
    wanted = and_(_usable(owner, kind), parameter_sets.c.name == name)
    row = connection.execute(select(parameter_sets).where(wanted).order_by(*_order(owner)).limit(1)).first()
    return _set(row) if row else None


def number(connection: Connection, owner: Owner, kind: str, but: str) -> int:
    """Of the owner's, other than `but`."""
    others = and_(_of(owner, kind), parameter_sets.c.name != but)
    return connection.scalar(select(func.count()).select_from(parameter_sets).where(others)) or 0


def put(
    connection: Connection, owner: Owner, kind: str, name: str, parameters: Mapping[str, Any], shared: bool
) -> ParameterSet:
    """Instead of what the owner has under this name."""
    values = {"parameters": parameters, "shared": shared}
    key = {"tenant": owner.tenant, "kind": kind, "owner": owner.name, "name": name}
    statement = (
        insert(parameter_sets)
        .values(**key, **values)
        .on_conflict_do_update(
            index_elements=list(parameter_sets.primary_key.columns),
            set_={**values, "updated_at": func.clock_timestamp()},
        )
        .returning(*parameter_sets.c)
    )
    return _set(connection.execute(statement).one())


def remove(connection: Connection, found: ParameterSet) -> None:
    where = and_(_of(found.owner, found.kind), parameter_sets.c.name == found.name)
    connection.execute(delete(parameter_sets).where(where))


def _of(owner: Owner, kind: str) -> ColumnElement[bool]:
    columns = parameter_sets.c
    return and_(columns.tenant == owner.tenant, columns.kind == kind, columns.owner == owner.name)


def _usable(owner: Owner, kind: str) -> ColumnElement[bool]:
    columns = parameter_sets.c
    theirs = or_(columns.owner == owner.name, columns.shared)
    return and_(columns.tenant == owner.tenant, columns.kind == kind, theirs)


def _order(owner: Owner) -> tuple[ColumnElement[Any], ...]:
    columns = parameter_sets.c
    return columns.name, (columns.owner != owner.name), columns.created_at, columns.owner


def _set(row: Row[Any]) -> ParameterSet:
    return ParameterSet(
        Owner(row.tenant, row.owner),
        row.kind,
        row.name,
        row.parameters,
        row.shared,
        row.created_at,
        row.updated_at,
    )
