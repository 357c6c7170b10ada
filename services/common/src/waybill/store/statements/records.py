"""What belongs to changes of reports: their events, and what they have to publish."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from waybill.domain import Report
from waybill.store.direct import AnyConnection, send
from waybill.store.statements.publications import Publication


@dataclass(frozen=True)
class RecordedEvent:
    """The report that a change has led to, and its event as JSON: `data` is published, `stored` is what the
    report's row does not have of it."""

    report: Report
    type: str
    data: str
    stored: str


# As JSON documents: for a few rows, arrays of the columns take the client twice the time. Each transaction
# has the parts that it needs: the server plans the statement each time.
_RECORDED = """
recorded AS (
    INSERT INTO report_changes (report_id, version, type, data, at)
    SELECT report_id, version, type, data, at
    FROM jsonb_to_recordset(%(events)s::jsonb)
        AS event (report_id uuid, version integer, type text, data jsonb, at timestamptz)
)"""
_ANNOUNCED = """
announced AS (
    INSERT INTO publications (report_id, first_version, last_version, command)
    SELECT report_id, first, last, command
    FROM jsonb_to_recordset(%(publications)s::jsonb)
        AS publication (report_id uuid, first integer, last integer, command boolean)
    {conflict}
)"""
# What is published again waits for a process that does so now: once its row is deleted, this is another one.
_CONFLICT = """ON CONFLICT (report_id, first_version, last_version)
    DO UPDATE SET created_at = publications.created_at"""
# What another process has locked, it publishes and deletes itself.
_DELETED = """
published AS (
    SELECT publications.report_id, first_version, last_version
    FROM publications JOIN jsonb_to_recordset(%(published)s::jsonb)
        AS published (report_id uuid, first integer, last integer)
        ON publications.report_id = published.report_id
            AND first_version = published.first AND last_version = published.last
    WHERE publications.report_id = ANY (ARRAY(
        SELECT (one ->> 'report_id')::uuid FROM jsonb_array_elements(%(published)s::jsonb) AS one
    ))
    FOR UPDATE OF publications SKIP LOCKED
), deleted AS (
    DELETE FROM publications USING published
    WHERE publications.report_id = published.report_id
        AND publications.first_version = published.first_version
        AND publications.last_version = published.last_version
        AND publications.report_id = ANY (ARRAY(SELECT report_id FROM published))
)"""
_NOTHING = "SELECT NULL, 0, 0, false, NULL WHERE false"
_WAITING = """
SELECT report_id, first_version, last_version, command, NULL
FROM publications WHERE report_id = ANY (%(keys)s::text[]::uuid[])
UNION ALL
SELECT key::uuid, 0, 0, false, id
FROM outbox WHERE key = ANY (%(keys)s::text[])
"""


@cache
def _statement(*, events: bool, publications: bool, again: bool, published: bool, keys: bool) -> str:
    parts = [
        *([_RECORDED] if events else []),
        *([_ANNOUNCED.replace("{conflict}", _CONFLICT if again else "")] if publications else []),
        *([_DELETED] if published else []),
    ]
    return f"{'WITH' if parts else ''}{','.join(parts)}{_WAITING if keys else _NOTHING}"


def put(
    connection: AnyConnection,
    events: Sequence[RecordedEvent],
    publications: Collection[Publication],
    published: Collection[Publication] = (),
    keys: Collection[str] = (),
    *,
    again: bool = False,
) -> Callable[[], list[tuple[str, Publication | int]]]:
    """Stores events and what is to be published, and forgets what was `published`, in one statement, in the
    transaction that has made the changes. `again`: some of it may be there already.

    Returns what says, with its key, what of the reports `keys` waited to be published before: by
    `publications`, or as a message of the outbox by its id.
    """
    statement = _statement(
        events=bool(events),
        publications=bool(publications),
        again=again,
        published=bool(published),
        keys=bool(keys),
    )
    found = send(
        connection,
        statement,
        {
            "events": _array(_event(event) for event in events),
            "publications": json.dumps([one.as_json() for one in publications]),
            "published": json.dumps([one.as_json() for one in published]),
            "keys": list(keys),
        },
    )
    return lambda: [_waiting(*row) for row in found()]


def _waiting(
    report_id: UUID, first: int, last: int, command: bool, outbox_id: int | None
) -> tuple[str, Publication | int]:
    row = Publication(report_id, first, last, command) if outbox_id is None else outbox_id
    return str(report_id), row


def _event(event: RecordedEvent) -> str:
    """As JSON; its data is JSON already."""
    report = event.report
    fields = {
        "report_id": str(report.id),
        "version": report.version,
        "type": event.type,
        "at": report.updated_at.isoformat(),
    }
    return f'{json.dumps(fields)[:-1]}, "data": {event.stored}}}'


def _array(objects: Iterable[str]) -> str:
    return f"[{', '.join(objects)}]"
