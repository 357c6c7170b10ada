"""Statements on `limits`, and on what is used of them."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from waybill.domain import EACH, Holder, HolderLimits, Level, LimitValues, Owner, Scope
from waybill.store.statements.admission import waiting
from waybill.store.tables import AWAITS, limits, request_rates

_MOST_COUNTED = 100_000
_OF_TENANT = "reports.tenant = %(tenant)s"
_OF_OWNER = f"{_OF_TENANT} AND reports.owner = %(owner)s"
_USED = f"""
SELECT {{waiting}} + (
        SELECT count(*) FROM reports WHERE status = 'init' AND {AWAITS} = 'claim' AND {{whose}}
    ),
    (SELECT count(*) FROM reports WHERE status = 'processing' AND {{whose}}),
    (
        SELECT greatest(0, extract(epoch FROM paid_until - clock_timestamp()))::float FROM request_rates
        WHERE level = %(level)s AND tenant = %(tenant)s AND owner = %(holder)s
    ),
    (
        SELECT sum(streams) FROM open_streams
        WHERE tenant = %(tenant)s AND %(holder)s IN (owner, '')
            AND seen_at > statement_timestamp() - interval '15 seconds'
    ),
    (SELECT bytes FROM kept_bytes WHERE level = %(level)s AND tenant = %(tenant)s AND owner = %(holder)s)
"""  # noqa: S608 - ours


@dataclass(frozen=True)
class Used:
    """What a tenant or an owner has now. `owed_seconds`: of a minute, what its requests have used;
    `kept_bytes` is None where they are not counted, or are 0."""

    queued: int
    running: int
    owed_seconds: float
    streams: int
    kept_bytes: int | None


def page(connection: Connection, scope: Scope) -> list[HolderLimits]:
    """All that hold for those whom `scope` means: of its tenant, and of each tenant."""
    statement = select(limits).order_by(limits.c.level.desc(), limits.c.tenant, limits.c.owner)
    if scope.tenant is not None:
        statement = statement.where(limits.c.tenant.in_((EACH, scope.tenant)))
    return [_limits(row) for row in connection.execute(statement)]


def put(connection: Connection, wanted: HolderLimits) -> None:
    """Instead of those that the holder has."""
    values = asdict(wanted.values)
    statement = insert(limits).values(**asdict(wanted.holder), **values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(limits.primary_key.columns), set_=values)
    )


def remove(connection: Connection, holder: Holder) -> HolderLimits | None:
    """What it had; None where it had none."""
    row = connection.execute(delete(limits).where(_of(holder)).returning(*limits.c)).one_or_none()
    return _limits(row) if row else None


def used(connection: Connection, level: Level, owner: Owner) -> Used:
    """By an owner, or by its tenant; at most 100,000 reports are counted."""
    whose = _OF_OWNER if level is Level.OWNER else _OF_TENANT
    statement = _USED.replace("{waiting}", waiting(whose, str(_MOST_COUNTED))).replace("{whose}", whose)
    holder = owner.name if level is Level.OWNER else EACH
    values = {"level": level, "tenant": owner.tenant, "owner": owner.name, "holder": holder}
    row = connection.exec_driver_sql(statement, values).one()
    return Used(row[0], row[1], row[2] or 0.0, row[3] or 0, row[4])


def forget_paid(connection: Connection) -> None:
    """Forgets the rates of those of whom no request counts now: it is as if they had none."""
    key = tuple_(*request_rates.primary_key.columns)
    paid = select(*request_rates.primary_key.columns).where(
        request_rates.c.paid_until < func.statement_timestamp()
    )
    # those that a request pays for now stay
    connection.execute(delete(request_rates).where(key.in_(paid.with_for_update(skip_locked=True))))


def _of(holder: Holder) -> ColumnElement[bool]:
    return and_(*(limits.c[name] == value for name, value in asdict(holder).items()))


def _limits(row: Row[Any]) -> HolderLimits:
    holder = Holder(Level(row.level), row.tenant, row.owner)
    return HolderLimits(
        holder, LimitValues(**{one.name: row._mapping[one.name] for one in fields(LimitValues)})
    )
