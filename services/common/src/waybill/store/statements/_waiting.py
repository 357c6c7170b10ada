"""Conditions on reports that wait, and on what they wait for; see `AWAITS`."""

from typing import Final

from waybill.store.tables import AWAITS, AWAITS_KIND

WAITING: Final = f"status = 'init' AND {AWAITS}"
FOR_ROOM: Final = f"{WAITING} = 'room'"
FOR_KIND: Final = f"status = 'init' AND {AWAITS_KIND}"

IS_OPEN: Final = "max_running IS NULL AND paused_at IS NULL"
"""Of a row of `kind_limits`: nothing is limited any more, but reports still wait for the kind."""

LIMITED: Final = """(
    EXISTS (SELECT FROM limits WHERE level > '' AND (weight IS NOT NULL OR max_running IS NOT NULL))
    OR EXISTS (SELECT FROM kind_limits WHERE kind > '' AND paused_at IS NULL)
)"""
"""Whether turns are taken: evaluated once for a statement. For kinds that are paused there is no turn."""


def closed(kind: str) -> str:
    """Reports of this kind wait for their kind."""
    return f"coalesce((SELECT NOT ({IS_OPEN}) FROM kind_limits WHERE kind_limits.kind = {kind}), false)"  # noqa: S608


def paused(kind: str) -> str:
    return f"coalesce((SELECT paused_at IS NOT NULL FROM kind_limits WHERE kind_limits.kind = {kind}), false)"  # noqa: S608


KINDS_THAT_WAIT: Final = f"""
found AS (
    (SELECT kind FROM reports WHERE {FOR_KIND} AND kind > '' ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (
        SELECT reports.kind FROM reports WHERE {FOR_KIND} AND reports.kind > found.kind
        ORDER BY reports.kind LIMIT 1
    ) FROM found WHERE kind IS NOT NULL
), kinds_that_wait AS (
    SELECT kind FROM found WHERE kind IS NOT NULL
)
"""  # noqa: S608 - ours
"""Of a WITH RECURSIVE: each kind that reports wait for is looked for behind the one before it."""

ANY_KIND_DUE: Final = f"""(
    EXISTS (SELECT FROM kind_limits WHERE kind > '' AND {IS_OPEN})
    OR EXISTS (
        WITH RECURSIVE {KINDS_THAT_WAIT}
        SELECT FROM kinds_that_wait WHERE NOT {paused("kinds_that_wait.kind")}
    )
)"""  # noqa: S608 - ours
"""Whether a report may wait for a kind that is not paused."""
