"""A worker that is told to stop does so, and no report suffers."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from local.stack import Stack
from tests.support.database import Database
from tests.support.kafka import Topics
from tests.support.reports import QUICK, ended, run
from tests.support.traces import Traces
from tests.support.waiting import eventually, within
from waybill_client import ProblemError, Report, WaybillClient

SECOND = "second-worker"
GROUP = "report-worker"


@contextmanager
def second_worker(stack: Stack, **settings: str) -> Iterator[None]:
    """One more worker beside the stack's own."""
    stack.add_worker(SECOND, **settings)
    try:
        yield
    finally:
        stack.stop_part(SECOND)


def running_on_the_second(
    stack: Stack,
    client: WaybillClient,
    database: Database,
    steps: int = 30,
    then: Callable[[], None] = lambda: None,
) -> UUID:
    """A report of a few seconds, or more `steps`, that the second worker is at, in the middle.

    One more is requested each second: those before it may all wait for the first worker. `then` is called
    before these are cancelled, which may take longer than the report.
    """
    began, asked = time.monotonic(), list[Report]()

    def look() -> UUID | None:
        for row in _processing_by(stack.pid(SECOND), database):
            if row["done"] and row["done"] > 1:
                report_id: UUID = row["id"]
                return report_id
        if len(asked) <= time.monotonic() - began:
            asked.append(client.request("dowork", {"steps": steps, "failing_step": None}))
        return None

    found = eventually(look, "a report on the second worker")
    then()
    for report in asked:
        if report.id != found:
            with suppress(ProblemError):  # it has ended meanwhile
                client.cancel(report.id)
    return found


def test_a_running_report_is_handed_back_and_finished_by_another_worker(
    stack: Stack, client: WaybillClient, database: Database, traces: Traces
) -> None:
    with second_worker(stack, WAYBILL_DRAIN_SECONDS="0"):
        report_id = running_on_the_second(
            stack, client, database, then=lambda: stack.kill(SECOND, signal.SIGTERM)
        )

        assert stack.wait_exit(SECOND) == 0

    report = ended(client, report_id)
    assert (report.status, report.attempt) == ("done", 2)
    assert _statuses(database, report_id) == ["init", "processing", "init", "processing", "done"]
    trace = traces.whole(report.trace_id, "doWork:29", "handle_report", "handle_report")
    assert len(trace.all("report_request")) == 1
    first, second = trace.all("handle_report")
    assert [span.attributes["report.attempt"] for span in (first, second)] == [1, 2]
    assert first.attributes["error.type"] == "interrupted"
    assert not second.failed
    steps = [span for span in trace.spans if span.parent_id == first.id]
    assert [span.attributes.get("error.type") for span in steps[:-1]] == [None] * (len(steps) - 1)
    # None where the stop came between two steps
    assert steps[-1].attributes.get("error.type") in ("interrupted", None)
    assert len([span for span in trace.spans if span.parent_id == second.id]) == 30


def test_a_report_that_ends_within_the_drain_is_finished_where_it_runs(
    stack: Stack, client: WaybillClient, database: Database
) -> None:
    with second_worker(stack, WAYBILL_DRAIN_SECONDS="60"):
        report_id = running_on_the_second(
            stack, client, database, then=lambda: stack.kill(SECOND, signal.SIGTERM)
        )

        assert stack.wait_exit(SECOND, 60) == 0
        report = client.show(report_id)

    assert (report.status, report.attempt) == ("done", 1)


def test_a_worker_that_stops_while_kafka_is_away_hands_its_report_back(
    stack: Stack, client: WaybillClient, database: Database
) -> None:
    with second_worker(stack, WAYBILL_DRAIN_SECONDS="0"):
        report_id = running_on_the_second(stack, client, database, steps=500)
        stack.stop_part("kafka")
        try:
            stack.kill(SECOND, signal.SIGTERM)

            assert stack.wait_exit(SECOND, 40) == 0
            assert client.show(report_id).status == "init"
        finally:
            stack.start_part("kafka")

    eventually(lambda: client.show(report_id).attempt == 2, "the next attempt")
    client.cancel(report_id)
    ended(client, report_id)


def test_a_worker_that_stops_while_the_database_is_away_ends_with_its_slots(
    stack: Stack, client: WaybillClient, database: Database
) -> None:
    """Its attempt cannot hand the report back, and gives up."""
    lease = {"WAYBILL_LEASE_SECONDS": "6", "WAYBILL_HEARTBEAT_SECONDS": "1"}
    with second_worker(stack, WAYBILL_DRAIN_SECONDS="0", **lease):
        report_id = running_on_the_second(stack, client, database, steps=500)
        stack.stop_part("postgres")
        try:
            time.sleep(2)  # the attempt waits for the database by now
            stack.kill(SECOND, signal.SIGTERM)

            assert stack.wait_exit(SECOND, 60) == 0
        finally:
            stack.start_part("postgres")

    eventually(lambda: client.show(report_id).attempt == 2, "the next attempt")
    client.cancel(report_id)
    ended(client, report_id)


def test_an_idle_worker_ends_quickly(stack: Stack) -> None:
    with second_worker(stack), within(10):
        stack.kill(SECOND, signal.SIGTERM)

        assert stack.wait_exit(SECOND) == 0


def test_partitions_that_come_back_are_read_again(
    stack: Stack, client: WaybillClient, topics: Topics, database: Database
) -> None:
    """Also those that were taken away while the worker was too busy to read them."""
    partitions = set(topics.partitions("report"))
    owner = owner_of(stack.pid("report-worker"), topics)
    busy = [client.request("dowork", {"steps": 50, "max_step_ms": 600_000}) for _ in range(2)]
    eventually(lambda: len(_processing_by(stack.pid("report-worker"), database)) == 2, "no free slot")
    with second_worker(stack):
        eventually(lambda: 0 < len(topics.assignments(GROUP)[owner]) < len(partitions), "partitions shared")
        for report in busy:
            client.cancel(report.id)
            ended(client, report.id)
    eventually(lambda: topics.assignments(GROUP) == {owner: partitions}, "every partition back")

    # one by one: a worker that is busy again would resume its partitions for that reason
    assert all(run(client).status == "done" for _ in range(3 * len(partitions)))


def test_messages_that_are_delivered_again_change_nothing(
    stack: Stack, client: WaybillClient, database: Database, topics: Topics
) -> None:
    """Another group reads the topic from its beginning: every message that these tests have sent."""
    run(client)
    assert_all_read(topics, GROUP)
    eventually(lambda: not _processing(database), "everything ended")
    before = _everything(database)

    with second_worker(stack, WAYBILL_KAFKA_GROUP="again"):
        assert_all_read(topics, "again")

        assert _everything(database) == before
        assert run(client, "dowork", QUICK).attempt == 1


def assert_all_read(topics: Topics, group: str) -> None:
    try:
        eventually(lambda: topics.lag("report", group) == 0, f"all messages read by {group}")
    except AssertionError as error:
        raise AssertionError(f"{error} By partition: {topics.lags('report', group)}") from None


def owner_of(pid: int, topics: Topics) -> str:
    """What Kafka calls the worker of this process."""
    (owner,) = (name for name in topics.assignments(GROUP) if name.endswith(f"/{pid}"))
    return owner


def _processing(database: Database) -> list[dict[str, Any]]:
    return database.rows("SELECT id FROM reports WHERE status IN ('init', 'processing')")


def _processing_by(pid: int, database: Database) -> list[dict[str, Any]]:
    return database.rows(
        "SELECT id, (progress->>'done')::int AS done FROM reports"
        " WHERE status = 'processing' AND lease_owner LIKE :owner",
        owner=f"report-worker@%/{pid}",
    )


def _statuses(database: Database, report_id: UUID) -> list[str]:
    events = database.rows(
        "SELECT data FROM report_events WHERE report_id = :id AND type = 'status' ORDER BY version",
        id=report_id,
    )
    return [event["data"]["status"] for event in events]


def _everything(database: Database) -> str:
    """Every report and dead letter, and how often each changed."""
    reports = database.rows("SELECT id, status, version, attempt FROM reports ORDER BY id")
    letters = database.rows("SELECT id FROM dead_letters ORDER BY id")
    return json.dumps([reports, letters], default=str)
