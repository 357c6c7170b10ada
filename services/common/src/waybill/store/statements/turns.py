"""Statements for turns, where there are weights or limits of what may run: who waits, what is under way, and
who gets a command.

A transaction with the `lock` is alone: what it counts then has all commands, and only grows fewer until its
commit. A source of reports that wait is named by the kind that they wait for; that of those that wait for
room has the name ''.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from waybill.domain import Holder, HolderLimits, Level, LimitValues, Owner, UnderWay, Waiting
from waybill.store.direct import AnyConnection, rows, send
from waybill.store.statements._rows import carrier_from
from waybill.store.statements._waiting import FOR_KIND, FOR_ROOM, IS_OPEN, LIMITED, WAITING
from waybill.store.statements.dispatch import Dispatched
from waybill.store.tables import FOR_KIND_UNTIL

_MOST_COUNTED: Final = 100_000
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(1463898444, 15)"
_IS_LIMITED: Final = f"SELECT {LIMITED}"

_UNDER_WAY = f"""
SELECT tenant, owner, kind, count(*) FROM (
    (
        SELECT tenant, owner, kind FROM reports WHERE {WAITING} = 'claim' LIMIT {_MOST_COUNTED}
    )
    UNION ALL
    (
        SELECT tenant, owner, kind FROM reports
        WHERE status = 'processing' AND lease_expires_at > '-infinity' LIMIT {_MOST_COUNTED}
    )
) AS one GROUP BY tenant, owner, kind
"""  # noqa: S608 - ours
"""One whose lease has run out runs until it is recovered: its worker may be alive."""

_LIMITS = """
SELECT level, tenant, owner, weight, max_running FROM limits
WHERE level > '' AND (weight IS NOT NULL OR max_running IS NOT NULL)
"""
_KINDS = f"""
SELECT kind, CASE WHEN paused_at IS NULL THEN max_running ELSE 0 END, {IS_OPEN}
FROM kind_limits WHERE kind > ''
"""  # noqa: S608 - ours

_TENANTS = f"""
WITH RECURSIVE found AS (
    SELECT waits_for, '' AS tenant
    FROM (SELECT '' UNION ALL SELECT kind FROM kind_limits WHERE kind > '' AND paused_at IS NULL)
        AS sources (waits_for)
    UNION ALL
    SELECT waits_for, CASE
        WHEN waits_for = '' THEN (
            SELECT reports.tenant FROM reports WHERE {FOR_ROOM} AND reports.tenant > found.tenant
            ORDER BY reports.tenant LIMIT 1
        )
        ELSE (
            SELECT reports.tenant FROM reports
            WHERE {FOR_KIND} AND reports.kind = waits_for AND reports.tenant > found.tenant
            ORDER BY reports.tenant LIMIT 1
        )
    END
    FROM found WHERE tenant IS NOT NULL
)
SELECT waits_for, tenant FROM found WHERE tenant > ''
"""  # noqa: S608 - ours
"""Each that waits is looked for behind the one before it, as owners are."""

_OWNERS = f"""
WITH RECURSIVE found AS (
    SELECT waits_for, tenant, '' AS owner
    FROM unnest(%(sources)s::text[], %(tenants)s::text[]) AS wanted (waits_for, tenant)
    UNION ALL
    SELECT waits_for, tenant, CASE
        WHEN waits_for = '' THEN (
            SELECT reports.owner FROM reports
            WHERE {FOR_ROOM} AND reports.tenant = found.tenant AND reports.owner > found.owner
            ORDER BY reports.owner LIMIT 1
        )
        ELSE (
            SELECT reports.owner FROM reports
            WHERE {FOR_KIND} AND reports.kind = waits_for
                AND reports.tenant = found.tenant AND reports.owner > found.owner
            ORDER BY reports.owner LIMIT 1
        )
    END
    FROM found WHERE owner IS NOT NULL
)
SELECT waits_for, tenant, owner FROM found WHERE owner > ''
"""  # noqa: S608 - ours

_FIRST = f"""
SELECT first.id, wanted.tenant, wanted.owner, first.kind, first.priority, first.created_at
FROM unnest(%(sources)s::text[], %(tenants)s::text[], %(owners)s::text[], %(numbers)s::integer[])
    AS wanted (waits_for, tenant, owner, number)
CROSS JOIN LATERAL (
    (
        SELECT id, kind, priority, created_at FROM reports
        WHERE wanted.waits_for = '' AND {FOR_ROOM}
            AND reports.tenant = wanted.tenant AND reports.owner = wanted.owner
        ORDER BY priority, enqueue_at LIMIT wanted.number
    )
    UNION ALL
    (
        SELECT id, kind, priority, created_at FROM reports
        WHERE wanted.waits_for <> '' AND {FOR_KIND} AND reports.kind = wanted.waits_for
            AND reports.tenant = wanted.tenant AND reports.owner = wanted.owner
        ORDER BY priority, created_at LIMIT wanted.number
    )
) AS first
"""  # noqa: S608 - ours

# Locked by their ids alone, so that no plan reads an index of all that waits to find them.
_LOCKED = """
WITH locked AS MATERIALIZED (
    SELECT id, status, enqueue_at, created_at, not_before FROM reports
    WHERE id = ANY (%(ids)s::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED
)
"""
_SEND = f"""
{_LOCKED} UPDATE reports SET enqueue_at = clock_timestamp() + %(requeue_after)s, not_before = NULL
WHERE reports.id = ANY (ARRAY(SELECT id FROM locked WHERE {FOR_ROOM} OR {FOR_KIND}))
RETURNING id, version, kind, traceparent, tracestate
"""  # noqa: S608 - ours
_PARK = f"""
{_LOCKED} UPDATE reports SET enqueue_at = {FOR_KIND_UNTIL}, not_before = {FOR_KIND_UNTIL}
WHERE reports.id = ANY (ARRAY(SELECT id FROM locked WHERE {FOR_ROOM}))
RETURNING id
"""  # noqa: S608 - ours


@dataclass(frozen=True)
class State:
    """What decides about turns. `kinds`: of those with a row, how many may be under way; None for any number,
    as of those in `open`, which reports wait for that came when there was a limit."""

    under_way: Sequence[UnderWay]
    limits: Sequence[HolderLimits]
    kinds: Mapping[str, int | None]
    open: frozenset[str]


@dataclass(frozen=True)
class Source:
    """Where reports of a tenant wait, or of an owner."""

    name: str
    owner: Owner


def is_limited(connection: AnyConnection) -> bool:
    """Whether turns decide who is next, and not `dispatch`."""
    ((found,),) = rows(connection, _IS_LIMITED, {})
    return bool(found)


def lock(connection: AnyConnection) -> Callable[[], bool]:
    """Whether no other transaction takes turns; then none does until the end of this one."""
    found = send(connection, _LOCK, {})
    return lambda: bool(found()[0][0])


def state(connection: AnyConnection) -> Callable[[], State]:
    """In a statement after that of the lock, so that it sees what was committed before."""
    under_way = send(connection, _UNDER_WAY, {})
    limits = send(connection, _LIMITS, {})
    kinds = send(connection, _KINDS, {})

    def found() -> State:
        of_kinds = kinds()
        return State(
            [UnderWay(Owner(tenant, owner), kind, number) for tenant, owner, kind, number in under_way()],
            [_limits(*row) for row in limits()],
            {kind: most for kind, most, _ in of_kinds},
            frozenset(kind for kind, _, is_open in of_kinds if is_open),
        )

    return found


def tenants(connection: AnyConnection) -> Callable[[], list[tuple[str, str]]]:
    """Those that wait, each with the source in which it does; not for kinds that are paused."""
    found = send(connection, _TENANTS, {})
    return lambda: [(source, tenant) for source, tenant in found()]


def owners(connection: AnyConnection, of: Sequence[tuple[str, str]]) -> list[Source]:
    """Those that wait, of tenants with their sources."""
    parameters = {"sources": [source for source, _ in of], "tenants": [tenant for _, tenant in of]}
    found = rows(connection, _OWNERS, parameters)
    return [Source(source, Owner(tenant, owner)) for source, tenant, owner in found]


def first(connection: AnyConnection, wanted: Iterable[tuple[Source, int]]) -> list[Waiting]:
    """Of each source, this number of reports: those that are next there."""
    asked = list(wanted)
    parameters = {
        "sources": [source.name for source, _ in asked],
        "tenants": [source.owner.tenant for source, _ in asked],
        "owners": [source.owner.name for source, _ in asked],
        "numbers": [number for _, number in asked],
    }
    return [
        Waiting(report_id, Owner(tenant, owner), kind, priority, requested_at)
        for report_id, tenant, owner, kind, priority, requested_at in rows(connection, _FIRST, parameters)
    ]


def give(connection: AnyConnection, chosen: Sequence[UUID], requeue_after: timedelta) -> list[Dispatched]:
    """Those of them that still wait get commands, in this order. Not a change of theirs."""
    found = rows(connection, _SEND, {"ids": list(chosen), "requeue_after": requeue_after})
    place = {report_id: number for number, report_id in enumerate(chosen)}
    return [
        Dispatched(report_id, version, kind, carrier_from(traceparent, tracestate))
        for report_id, version, kind, traceparent, tracestate in sorted(found, key=lambda row: place[row[0]])
    ]


def park(connection: AnyConnection, reports: Sequence[UUID]) -> None:
    """They wait for their kind from now on."""
    rows(connection, _PARK, {"ids": list(reports)})


def _limits(level: str, tenant: str, owner: str, weight: int | None, max_running: int | None) -> HolderLimits:
    return HolderLimits(
        Holder(Level(level), tenant, owner), LimitValues(weight=weight, max_running=max_running)
    )
