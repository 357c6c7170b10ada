"""How long steps usually take."""

from typing import Final

from sqlalchemy import Connection, text

from waybill.domain import DEFAULT_TENANT

_REPORTS: Final = 50
_LOOKED_AT: Final = 500
_STEPS: Final = 200
"""Changes that are read of each report: its last ones."""
_LEAST: Final = 3
"""Times that make one usual."""

# Of the default tenant there is no index of its own: of the latest of all, its own.
_OF_DEFAULT = f"""
    SELECT id, created_at FROM (
        SELECT id, created_at, tenant FROM reports
        WHERE kind = :kind AND status = 'done' ORDER BY created_at DESC LIMIT :looked_at
    ) AS looked_at WHERE tenant = '{DEFAULT_TENANT}' ORDER BY created_at DESC LIMIT :reports
"""  # noqa: S608 - ours
_OF_ANOTHER = f"""
    SELECT id, created_at FROM reports
    WHERE kind = :kind AND status = 'done' AND tenant = :tenant AND tenant <> '{DEFAULT_TENANT}'
    ORDER BY created_at DESC LIMIT :reports
"""  # noqa: S608 - ours
_USUAL = """
SELECT step.name, percentile_cont(0.5) WITHIN GROUP (ORDER BY step.took) AS took
FROM ({latest}) AS latest CROSS JOIN LATERAL (
    SELECT data -> 'step' ->> 'name' AS name, (data -> 'step' ->> 'duration_ms')::float AS took
    FROM (
        SELECT type, data FROM report_events
        WHERE report_id = latest.id ORDER BY version DESC LIMIT :steps
    ) AS event
    WHERE type = 'step' AND data -> 'step' ->> 'status' = 'done'
        AND data -> 'step' ->> 'duration_ms' IS NOT NULL AND data -> 'step' ->> 'reused' IS NULL
) AS step
GROUP BY step.name HAVING count(*) >= :least
"""


def usual(connection: Connection, kind: str, tenant: str) -> dict[str, float]:
    """The median of each step's times in at most 50 reports of the kind, the latest that are done, by its
    name, in milliseconds. Of each report its last changes count."""
    is_default = tenant == DEFAULT_TENANT
    parameters = {"kind": kind, "steps": _STEPS, "least": _LEAST, "reports": _REPORTS}
    parameters |= {"looked_at": _LOOKED_AT} if is_default else {"tenant": tenant}
    statement = _USUAL.format(latest=_OF_DEFAULT if is_default else _OF_ANOTHER)
    rows = connection.execute(text(statement), parameters)
    return {row.name: row.took for row in rows}
