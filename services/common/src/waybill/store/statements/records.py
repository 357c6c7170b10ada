"""What belongs to a change: its event in `report_events`, and its messages in `outbox`."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from waybill.domain import Report
from waybill.store.statements._rows import carrier_columns
from waybill.store.statements.outbox import OutboxMessage

RecordedChange = tuple[Report, str, dict[str, Any]]
"""The report that the change has led to, the type of its event, and the event's data."""

# As one JSON document: for a few rows, arrays of the columns take the client twice the time.
_PUT = """
WITH recorded AS (
    INSERT INTO report_events (report_id, version, type, data, at)
    SELECT report_id, version, type, data, at
    FROM jsonb_to_recordset(%(events)s::jsonb)
        AS event (report_id uuid, version integer, type text, data jsonb, at timestamptz)
)
INSERT INTO outbox (topic, key, value, traced, traceparent, tracestate)
SELECT topic, key, value, traced, traceparent, tracestate
FROM jsonb_to_recordset(%(messages)s::jsonb)
    AS message (
        place integer, topic text, key text, value jsonb, traced boolean, traceparent text, tracestate text
    )
ORDER BY place
"""


def put(connection: Connection, changes: Sequence[RecordedChange], messages: Sequence[OutboxMessage]) -> None:
    """Of any number of changes, in the transaction that has made them, in one statement."""
    events = [
        {
            "report_id": str(report.id),
            "version": report.version,
            "type": event_type,
            "data": data,
            "at": report.updated_at.isoformat(),
        }
        for report, event_type, data in changes
    ]
    rows = [
        {
            "place": place,
            "topic": message.topic,
            "key": message.key,
            "value": message.value,
            "traced": message.traced,
            **carrier_columns(message.carrier),
        }
        for place, message in enumerate(messages)
    ]
    connection.exec_driver_sql(_PUT, {"events": json.dumps(events), "messages": json.dumps(rows)})
