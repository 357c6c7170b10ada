"""The backlog of `make bench` is made of copies: each is a report of its own, and runs as any other."""

from local.stack import Stack
from tests.bench import backlog
from tests.bench.rig import WORKER, Rig
from tests.faults.proxy import Proxy
from tests.support.database import Database
from tests.support.waiting import eventually

NUMBER = 50
TAG = "backlog-of-copies"
BODY = {
    "kind": "dowork",
    "parameters": {"steps": 1, "failing_step": None, "max_step_ms": 7},
    "tags": [TAG],
}

REPORTS = """
SELECT count(*) AS reports, count(DISTINCT split_part(traceparent, '-', 2)) AS traces,
    count(*) FILTER (WHERE status = 'done' AND attempt = 1) AS done
FROM reports WHERE tags @> ARRAY[:tag]
"""
EVENTS = """
SELECT DISTINCT count(*) AS events FROM report_events e JOIN reports r ON r.id = e.report_id
WHERE r.tags @> ARRAY[:tag] AND e.data->>'report_id' = r.id::text GROUP BY r.id
"""


def test_copies_of_a_report_are_reports(stack: Stack, database: Database) -> None:
    with Proxy(stack.ports["kafka"]) as broker:
        stack.stop_part(WORKER)
        try:
            backlog.fill(Rig(stack, broker, {}), BODY, NUMBER)
        finally:
            stack.start_part(WORKER)

    eventually(lambda: database.rows(REPORTS, tag=TAG)[0]["done"] == NUMBER, f"the end of {NUMBER} reports")
    assert database.rows(REPORTS, tag=TAG) == [{"reports": NUMBER, "traces": NUMBER, "done": NUMBER}]
    assert len(database.rows(EVENTS, tag=TAG)) == 1, "each report has as many events as any other"
    assert database.rows("SELECT 1 FROM pg_class WHERE relname = 'bench_publications'") == []
