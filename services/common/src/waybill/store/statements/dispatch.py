"""Which of the reports that wait get a command: as many as keep every slot busy. The others wait for room in
the database, where their order can still change; see `AWAITS`. A report of a kind that is paused, or has a
limit, waits for its kind: see `AWAITS_KIND`.

Their order is fair. Of the tenants that wait, the one of which the least is under way has the next turn, and
so has, within it, one of its owners; among equals chance decides. Of an owner's reports, those of the lowest
`priority` are first, and of these those that were requested first. Where there are weights, or limits of what
may run, all of this is left to `turns`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from waybill.domain import Carrier
from waybill.store.direct import AnyConnection, rows, send
from waybill.store.statements._rows import carrier_from
from waybill.store.statements._waiting import ANY_KIND_DUE, FOR_ROOM, LIMITED, WAITING, closed
from waybill.store.tables import AWAITS, AWAITS_KIND, FOR_KIND_UNTIL

_LEAST: Final = 4
"""Commands that are in Kafka before the first worker is there."""
_MOST_COUNTED: Final = 100_000

# Always by the index, from its beginning: the planner's statistics may still be those of a long backlog.
_FIRST_THAT_WAITS = f"SELECT 1 FROM reports WHERE {FOR_ROOM} AND tenant > '' ORDER BY tenant LIMIT 1"  # noqa: S608
NONE_WAITS: Final = f"(SELECT count(*) = 0 FROM ({_FIRST_THAT_WAITS}) AS waiting)"  # noqa: S608
"""Whether no report waits for room: a condition, evaluated once for a statement."""

LIVE = "workers WHERE seen_at > statement_timestamp() - interval '15 seconds'"
"""Those that have written their row lately: each does so every few seconds."""


def _room(counted: str, gone: str = "0") -> str:
    """Of a WITH: how many commands may be added to those in Kafka, of which those are `counted`, and this
    number of which are `gone`."""
    return f"""
bound AS MATERIALIZED (
    SELECT greatest({_LEAST}, 2 * coalesce(sum(slots), 0) + coalesce(sum(partitions), 0)) AS bound
    FROM {LIVE}
), room AS MATERIALIZED (
    SELECT bound - (
        SELECT count(*) FROM (
            SELECT FROM reports WHERE {WAITING} = 'claim' AND {counted}
            ORDER BY enqueue_at DESC LIMIT (SELECT bound FROM bound) + {gone}
        ) AS outstanding
    ) + {gone} AS free
    FROM bound
)
"""  # noqa: S608 - ours


ROOM: Final = _room("true")
"""Of a WITH: the room that there is. Two commands for each slot, one that may be claimed next and one on its
way; and one for each partition, so that none is empty while others have more. A report that a message from
outside has requested counts as well: it is about to be claimed."""

_IDLE = f"""
capacity AS MATERIALIZED (
    SELECT coalesce(sum(slots), 0) AS slots FROM {LIVE} AND partitions > 0
), idle AS MATERIALIZED (
    SELECT slots - (
        SELECT count(*) FROM (
            SELECT FROM reports WHERE status = 'processing' AND lease_expires_at > statement_timestamp()
            ORDER BY lease_expires_at LIMIT (SELECT slots FROM capacity)
        ) AS running
    ) AS slots
    FROM capacity
)
"""  # noqa: S608 - ours
"""Of a WITH: how many slots are free, of workers that may claim."""

_SEND = f"""
UPDATE reports SET
    enqueue_at = CASE
        WHEN {closed("reports.kind")} THEN {FOR_KIND_UNTIL} ELSE clock_timestamp() + %(requeue_after)s
    END,
    not_before = CASE WHEN {closed("reports.kind")} THEN {FOR_KIND_UNTIL} ELSE not_before END
FROM next WHERE reports.id = next.id AND reports.id = ANY (ARRAY(SELECT id FROM next))
RETURNING next.place, reports.id, version, kind, traceparent, tracestate,
    coalesce({AWAITS_KIND}, false) AS awaits_kind
"""  # noqa: S608 - ours
"""A report of a kind that was closed while it waited for room waits for its kind from now on."""


def _under_way(slots: str) -> str:
    """Of a WITH: how many of each owner's reports have a command, or run. `slots`: how many run at most."""
    return f"""
under_way AS MATERIALIZED (
    SELECT tenant, owner, count(*) AS number FROM (
        (
            SELECT tenant, owner FROM reports WHERE {WAITING} = 'claim'
            ORDER BY enqueue_at DESC LIMIT (SELECT bound FROM bound)
        )
        UNION ALL
        (
            SELECT tenant, owner FROM reports
            WHERE status = 'processing' AND lease_expires_at > statement_timestamp()
            ORDER BY lease_expires_at DESC LIMIT {slots}
        )
    ) AS one WHERE (SELECT number > 0 FROM several) GROUP BY tenant, owner
)"""  # noqa: S608 - ours


def _next(number: str) -> str:
    """Of a WITH RECURSIVE: this number of those that wait for room. Each tenant that waits is looked for
    behind the one before it, and so is each owner of those that have a turn: where only one owner waits, as
    both ends of the index say, neither is. As many as there are turns can have one: only those of which the
    least is under way are looked at further."""
    return f"""
wanted AS MATERIALIZED (
    SELECT CASE WHEN {LIMITED} THEN 0 ELSE greatest(0, {number}) END AS number FROM room
), lone AS MATERIALIZED (
    SELECT first.tenant, first.owner, (first.tenant, first.owner) = (last.tenant, last.owner) AS is_lone
    FROM (
        SELECT tenant, owner FROM reports WHERE {FOR_ROOM} AND tenant > ''
        ORDER BY tenant, owner LIMIT (SELECT least(1, number) FROM wanted)
    ) AS first, (
        SELECT tenant, owner FROM reports WHERE {FOR_ROOM} AND tenant > ''
        ORDER BY tenant DESC, owner DESC LIMIT (SELECT least(1, number) FROM wanted)
    ) AS last
), several AS MATERIALIZED (
    SELECT CASE WHEN (SELECT NOT is_lone FROM lone) THEN number ELSE 0 END AS number FROM wanted
), {_under_way("(SELECT bound FROM bound)")}, tenants AS (
    SELECT '' AS tenant FROM several WHERE number > 0
    UNION ALL
    SELECT (
        SELECT reports.tenant FROM reports WHERE {FOR_ROOM} AND reports.tenant > tenants.tenant
        ORDER BY reports.tenant LIMIT 1
    ) FROM tenants WHERE tenant IS NOT NULL
), least_tenants AS (
    SELECT tenant, sum(number) AS number FROM (
        SELECT tenant, 0 AS number, true AS waits FROM tenants WHERE tenant > ''
        UNION ALL
        SELECT tenant, number, false FROM under_way
    ) AS counted GROUP BY tenant HAVING bool_or(waits)
    ORDER BY number, random() LIMIT (SELECT number FROM several)
), turns AS MATERIALIZED (
    SELECT tenant, count(*) AS number FROM (
        SELECT least_tenants.tenant FROM least_tenants CROSS JOIN LATERAL (
            SELECT row_number() OVER () AS turn FROM (
                SELECT FROM reports WHERE {FOR_ROOM} AND reports.tenant = least_tenants.tenant
                ORDER BY reports.tenant LIMIT (SELECT number FROM several)
            ) AS waiting
        ) AS one ORDER BY number + turn, random() LIMIT (SELECT number FROM several)
    ) AS chosen GROUP BY tenant
), owners AS (
    SELECT tenant, '' AS owner, number AS turns FROM turns
    UNION ALL
    SELECT tenant, (
        SELECT reports.owner FROM reports
        WHERE {FOR_ROOM} AND reports.tenant = owners.tenant AND reports.owner > owners.owner
        ORDER BY reports.owner LIMIT 1
    ), turns FROM owners WHERE owner IS NOT NULL
), least_owners AS (
    SELECT tenant, owner, number, turns FROM (
        SELECT tenant, owner, sum(number) AS number, max(turns) AS turns, row_number() OVER (
            PARTITION BY tenant ORDER BY sum(number), random()
        ) AS place FROM (
            SELECT tenant, owner, turns, 0 AS number FROM owners WHERE owner > ''
            UNION ALL
            SELECT tenant, owner, NULL, number FROM under_way
        ) AS counted GROUP BY tenant, owner HAVING max(turns) IS NOT NULL
    ) AS ranked WHERE place <= turns
), shares AS MATERIALIZED (
    SELECT tenant, owner, count(*) AS number FROM (
        SELECT tenant, owner, turns, row_number() OVER (
            PARTITION BY tenant ORDER BY number + turn, random()
        ) AS place
        FROM least_owners CROSS JOIN LATERAL (
            SELECT row_number() OVER () AS turn FROM (
                SELECT FROM reports
                WHERE {FOR_ROOM} AND reports.tenant = least_owners.tenant
                    AND reports.owner = least_owners.owner
                ORDER BY reports.tenant LIMIT least_owners.turns
            ) AS waiting
        ) AS one
    ) AS ranked WHERE place <= turns GROUP BY tenant, owner
    UNION ALL
    SELECT tenant, owner, number FROM lone, wanted WHERE is_lone
), next AS (
    SELECT waiting.id, waiting.place FROM shares CROSS JOIN LATERAL (
        SELECT id, enqueue_at AS place FROM reports
        WHERE {FOR_ROOM} AND reports.tenant = shares.tenant AND reports.owner = shares.owner
        ORDER BY priority, enqueue_at LIMIT shares.number
        FOR UPDATE SKIP LOCKED
    ) AS waiting
)
"""  # noqa: S608 - ours


_NEXT = _next("least(free, %(limit)s)")
_FILL = f"WITH RECURSIVE {ROOM}, {_NEXT} {_SEND}"

_GONE = "(SELECT count(*) FROM claimed WHERE had_command)"
REFILLED: Final = f"""
{_room("true", _GONE)}, {_next("least(free, (SELECT count(*) FROM claimed))")}, sent AS (
    {_SEND}
), refilled AS (
    SELECT coalesce(jsonb_agg(sent ORDER BY place), '[]') AS sent FROM sent
)
"""  # noqa: S608 - ours
"""Of a WITH in which reports are `claimed`: what gets their room, for `dispatched`. Those that `had_command`
are still counted among the commands: the parts of a statement do not see each other's changes."""
HAD_COMMAND: Final = f"({AWAITS} = 'claim') AS had_command"

# While a slot is free, a command is claimed within moments. One that is not was lost, or its partition is
# away, or its worker is busy: it must not keep others from the slot.
_SENT_LATELY = (
    "((SELECT slots <= 0 FROM idle) OR"
    " enqueue_at > statement_timestamp() + %(requeue_after)s - interval '30 seconds')"
)
_ROOM_WHILE_IDLE = f"{_IDLE}, {_room(_SENT_LATELY)}"
_FILL_IDLE = f"WITH RECURSIVE {_ROOM_WHILE_IDLE}, {_NEXT} {_SEND}"
_FREE = f"WITH {ROOM} SELECT free FROM room"  # noqa: S608 - ours
_FREE_WHILE_IDLE = f"WITH {_ROOM_WHILE_IDLE} SELECT free FROM room"  # noqa: S608 - ours

# While all slots are busy, no worker could claim it, whether it was lost or not. One that runs alone is not
# sent again because it was lost, but since its worker had no room for it. OFFSET 0 keeps the planner from a
# join, for which it might read all that is to be published: it looks for each of the few reports instead.
_REPEAT = f"""
WITH {_IDLE}, next AS (
    SELECT id, enqueue_at AS place FROM reports
    WHERE {WAITING} = 'claim' AND enqueue_at <= statement_timestamp()
        AND (
            losses >= %(max_losses)s
            OR (SELECT slots > 0 FROM idle)
            OR (SELECT slots = 0 FROM capacity)
        )
        AND NOT EXISTS (SELECT FROM publications WHERE report_id = reports.id AND command OFFSET 0)
        AND NOT EXISTS (SELECT FROM outbox WHERE key = reports.id::text AND topic = %(topic)s OFFSET 0)
    ORDER BY enqueue_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
{_SEND}
"""  # noqa: S608 - ours

# Of a kind that is closed by now, it waits for its kind at once: each look for room would meet it.
_JOIN = f"""
UPDATE reports SET
    enqueue_at = CASE WHEN {closed("reports.kind")} THEN {FOR_KIND_UNTIL} ELSE created_at END,
    not_before = CASE WHEN {closed("reports.kind")} THEN {FOR_KIND_UNTIL} ELSE not_before END
WHERE id IN (
    SELECT id FROM reports WHERE {WAITING} = 'retry' AND enqueue_at <= statement_timestamp()
    ORDER BY enqueue_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id
"""  # noqa: S608 - ours

_ANY_DUE = f"""
SELECT NOT {NONE_WAITS} OR EXISTS (
    SELECT FROM reports WHERE {WAITING} = 'retry' AND enqueue_at <= statement_timestamp()
) OR EXISTS (
    SELECT FROM reports WHERE {WAITING} = 'claim' AND enqueue_at <= statement_timestamp()
) OR {ANY_KIND_DUE}
"""  # noqa: S608 - ours

_COUNT = f"""
SELECT count(*) FROM (
    (SELECT FROM reports WHERE {FOR_ROOM} AND tenant > '' LIMIT {_MOST_COUNTED})
    UNION ALL
    (SELECT FROM reports WHERE {WAITING} = 'claim' LIMIT {_MOST_COUNTED})
    LIMIT {_MOST_COUNTED}
) AS waiting
"""  # noqa: S608 - ours


@dataclass(frozen=True)
class Dispatched:
    """A report that gets a command, and what belongs into it."""

    id: UUID
    version: int
    kind: str
    carrier: Carrier | None


def dispatched(sent: Sequence[Mapping[str, Any]]) -> list[Dispatched]:
    """Of `REFILLED`: those that wait for their kind from now on have no command."""
    return [
        Dispatched(
            UUID(one["id"]),
            one["version"],
            one["kind"],
            carrier_from(one["traceparent"], one["tracestate"]),
        )
        for one in sent
        if not one["awaits_kind"]
    ]


def fill(connection: AnyConnection, limit: int, requeue_after: timedelta) -> list[Dispatched]:
    """Those that have waited longest get a command: as many as there is room for, and at most `limit`. Not a
    change of theirs; each counts as lost `requeue_after` later."""
    return _sent(connection, _FILL, limit=limit, requeue_after=requeue_after)


def fill_idle(
    connection: AnyConnection, limit: int, requeue_after: timedelta
) -> tuple[list[Dispatched], bool]:
    """As `fill`; but while a slot is free, commands that no worker has claimed for half a minute take no
    room. And whether some of those that were next are of kinds that are closed."""
    found = rows(connection, _FILL_IDLE, {"limit": limit, "requeue_after": requeue_after})
    sent = _with_commands(found)
    return sent, len(sent) < len(found)


def free(connection: AnyConnection, requeue_after: timedelta, *, idle: bool) -> Callable[[], int]:
    """The room that there is, below 0 where there is none; `idle`: as `fill_idle` counts it."""
    found = send(connection, _FREE_WHILE_IDLE if idle else _FREE, {"requeue_after": requeue_after})
    return lambda: int(found()[0][0])


def repeat_lost(
    connection: AnyConnection, topic: str, limit: int, requeue_after: timedelta, max_losses: int
) -> list[Dispatched]:
    """Those whose command has led to no claim in time, though a slot is free, get another one: it may be
    lost. Not those whose command is in the outbox. Those with `max_losses` or more run alone."""
    return _sent(
        connection, _REPEAT, topic=topic, limit=limit, requeue_after=requeue_after, max_losses=max_losses
    )


def join_retries(connection: AnyConnection, limit: int) -> None:
    """Retries whose time has come wait for room, or for their kind, at the place that their requests had."""
    rows(connection, _JOIN, {"limit": limit})


def any_due(connection: AnyConnection) -> bool:
    """Whether there may be reports for one of the above."""
    ((found,),) = rows(connection, _ANY_DUE, {})
    return bool(found)


def count(connection: AnyConnection) -> int:
    """How many reports wait for room or for a claim; at most 100,000 are counted."""
    ((number,),) = rows(connection, _COUNT, {})
    return int(number)


def _sent(connection: AnyConnection, statement: str, **parameters: object) -> list[Dispatched]:
    return _with_commands(rows(connection, statement, parameters))


def _with_commands(found: Sequence[tuple[Any, ...]]) -> list[Dispatched]:
    return [
        Dispatched(report_id, version, kind, carrier_from(traceparent, tracestate))
        for _, report_id, version, kind, traceparent, tracestate, awaits_kind in sorted(found)
        if not awaits_kind
    ]
