"""A status stream sends what the database holds: whatever is on the topic, and however much it is."""

import json
from pathlib import Path
from uuid import UUID

import httpx

from local.stack import Stack
from tests.support import sse
from tests.support.database import Database
from tests.support.kafka import Record, Topics
from tests.support.reports import run
from tests.support.waiting import eventually
from waybill_client import WaybillClient

SLOW = {"steps": 50, "failing_step": None, "max_step_ms": 600_000}
EVENTS = 50_000
READERS = 6


def stored(database: Database, report_id: UUID) -> list[dict[str, object]]:
    rows = database.rows(
        "SELECT data FROM report_events WHERE report_id = :id ORDER BY version", id=report_id
    )
    return [row["data"] for row in rows]


def test_a_forged_message_reaches_no_client(
    http: httpx.Client, client: WaybillClient, database: Database, topics: Topics
) -> None:
    report = client.request("dowork", SLOW)
    eventually(lambda: client.show(report.id).version > 2 or None, "the first step")
    with sse.opened(http, report.id) as response:
        events = sse.events(response)
        sent = [next(events) for _ in range(3)]
        last = stored(database, report.id)[-1]
        forged = [
            {**last, "version": client.show(report.id).version + number, "type": "status", "status": "done"}
            for number in range(1, 4)
        ]
        key = str(report.id).encode()
        topics.send("report-status", *(Record(json.dumps(one).encode(), key) for one in forged))
        topics.send("report-status", Record(b"\xff", key), Record(b"{}", b"\xff"), Record(None, key))
        client.cancel(report.id)

        sent += events

    assert [event.data for event in sent] == stored(database, report.id)
    assert sent[-1].data["status"] == "cancelled"


def test_a_long_report_is_replayed_whole_in_little_memory(
    stack: Stack, http: httpx.Client, client: WaybillClient, database: Database
) -> None:
    report = run(client)
    database.execute(
        """INSERT INTO report_events (report_id, version, type, data, at)
        SELECT report_id, number, 'step', data || jsonb_build_object('version', number, 'type', 'step'), at
        FROM report_events, generate_series(version + 1, CAST(:last AS integer)) number
        WHERE report_id = :id AND version = :version""",
        id=report.id,
        version=report.version,
        last=EVENTS,
    )
    database.execute("UPDATE reports SET version = :last WHERE id = :id", id=report.id, last=EVENTS)
    before = _peak_memory(stack.pid("producer-api"))

    counts = [0] * READERS
    for reader in range(READERS):
        with sse.opened(http, report.id) as response:
            for expected, event in enumerate(sse.events(response), 1):
                assert event.id == expected
                counts[reader] += 1
                if event.id == (1000 if reader else EVENTS):  # the first reads all of it
                    break

    assert counts[0] == EVENTS
    grown = _peak_memory(stack.pid("producer-api")) - before
    assert grown < 48 * 1024, f"{grown} KiB"


def _peak_memory(arbiter: int) -> int:
    """Of the API's processes together, in KiB."""
    children = Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()
    lines = (Path(f"/proc/{child}/status").read_text().splitlines() for child in children)
    return sum(int(line.split()[1]) for status in lines for line in status if line.startswith("VmHWM:"))
