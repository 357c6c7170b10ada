"""A process's rows in `open_streams`: how many status streams are open in it, of those who have a limit."""

import json
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Engine

from waybill.domain import Level, Owner
from waybill.store.direct import run_alone

_UNBOUNDED: Final = 2_147_483_647

_OPEN: Final = """
WITH others AS MATERIALIZED (
    SELECT coalesce(sum(streams), 0) AS of_tenant,
        coalesce(sum(streams) FILTER (WHERE owner = %(owner)s), 0) AS of_owner
    FROM open_streams
    WHERE tenant = %(tenant)s AND process <> %(process)s
        AND seen_at > statement_timestamp() - interval '15 seconds'
), written AS (
    INSERT INTO open_streams (process, tenant, owner, streams, seen_at)
    SELECT %(process)s, %(tenant)s, %(owner)s, %(streams)s, clock_timestamp() FROM others
    WHERE of_tenant <= %(most_of_tenant)s AND of_owner <= %(most_of_owner)s
    ON CONFLICT (process, tenant, owner) DO UPDATE SET streams = excluded.streams, seen_at = excluded.seen_at
)
SELECT of_tenant, of_owner FROM others
"""
_WRITE: Final = """
WITH new AS (
    SELECT * FROM jsonb_to_recordset(%(document)s::jsonb) AS new (tenant text, owner text, streams integer)
), gone AS (
    DELETE FROM open_streams WHERE seen_at < statement_timestamp() - interval '1 hour' OR (
        process = %(process)s AND NOT EXISTS (
            SELECT FROM new WHERE new.tenant = open_streams.tenant AND new.owner = open_streams.owner
        )
    )
)
INSERT INTO open_streams (process, tenant, owner, streams, seen_at)
SELECT %(process)s, tenant, owner, streams, clock_timestamp() FROM new
ON CONFLICT (process, tenant, owner) DO UPDATE SET streams = excluded.streams, seen_at = excluded.seen_at
"""


class StreamRows:
    """Of one process. They count for 15 s after they were written. Each statement is a transaction of its
    own, within the server. Raises `StoreUnavailable`."""

    def __init__(self, engine: Engine, process: str) -> None:
        self._engine = engine
        self._process = process

    def open(self, owner: Owner, streams: int, room: Mapping[Level, int]) -> dict[Level, int]:
        """Returns how many streams there are in the other processes, of its tenant and of the owner itself.
        Where these are no more than there is `room` for, the owner has this number in this process now."""
        values = {
            "process": self._process,
            "tenant": owner.tenant,
            "owner": owner.name,
            "streams": streams,
            "most_of_tenant": room.get(Level.TENANT, _UNBOUNDED),
            "most_of_owner": room.get(Level.OWNER, _UNBOUNDED),
        }
        found = run_alone(self._engine, _OPEN, values)
        if found is None:
            raise AssertionError("a sum has a row")
        return {Level.TENANT: int(found[0]), Level.OWNER: int(found[1])}

    def write(self, streams: Mapping[Owner, int]) -> None:
        """All that this process has; others of its rows are removed."""
        document = [
            {"tenant": owner.tenant, "owner": owner.name, "streams": number}
            for owner, number in sorted(streams.items(), key=lambda one: (one[0].tenant, one[0].name))
        ]
        run_alone(self._engine, _WRITE, {"process": self._process, "document": json.dumps(document)})
