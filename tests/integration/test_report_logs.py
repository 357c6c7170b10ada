"""What a job prints and logs is kept with its report, bounded, whatever the job does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent

from report_worker.output.entries import Entry
from report_worker.output.parsing import JobParser
from report_worker.output.reading import OutputReader
from report_worker.slots import Produced, Slot
from tests.support import lifecycle as ask
from tests.support import slots, sse
from tests.support.database import Database
from tests.support.lifecycle_stack import WORKER, LifecycleStack
from tests.support.problems import problem
from tests.support.waiting import eventually

pytest_plugins = ["tests.support.lifecycle_fixtures"]

CANARY = "canary-4f1d2c"
MIB = 2**20

Record = dict[str, Any]


def page(api: httpx.Client, report_id: str, **query: Any) -> dict[str, Any]:
    answer = api.get(f"{ask.REPORTS}/{report_id}/logs", params=query)
    assert answer.status_code == httpx.codes.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


def records(
    api: httpx.Client, report_id: str, last: str = "after all steps", attempt: int = 1
) -> list[Record]:
    """All of them, once the `attempt` has the line `last`: it may come after the report's end."""

    def look() -> list[Record] | None:
        found = page(api, report_id, limit=10_000)
        assert found["next"] is None
        is_there = any(one["text"] == last and one["attempt"] == attempt for one in found["records"])
        return found["records"] if is_there else None

    return eventually(look, f"the line {last!r} of report {report_id}")


def talked(api: httpx.Client, *ways: str, **parameters: Any) -> tuple[ask.Json, list[Record]]:
    """A report that is done, and what its jobs have said."""
    report = ask.run(api, "talk", ways=list(ways), **parameters)
    assert report["status"] == "done", report
    return report, records(api, report["id"], attempt=report["attempt"])


def texts(found: list[Record], step: str | None, stream: str = "stdout") -> list[str]:
    return [one["text"] for one in found if one["step"] == step and one["stream"] == stream]


def kept(database: Database, report_id: str) -> dict[str, Any]:
    """In the table."""
    row = database.row(
        "SELECT count(*) AS chunks, sum(bytes) AS bytes, sum(pg_column_size(records)) AS on_disk,"
        " string_agg(records::text, '') AS text FROM report_logs WHERE report_id = :id",
        id=report_id,
    )
    assert row
    return row


# Where it comes from


def test_what_is_printed_and_logged_is_there_with_its_step(api: httpx.Client) -> None:
    _, found = talked(api, "print", "log", "structlog", "subprocess", "libc", "unfinished", text="hello")

    assert texts(found, None) == ["before all steps", "after all steps"]
    assert texts(found, "print") == ["hello"]
    assert texts(found, "print", "stderr") == ["hello on standard error"]
    assert texts(found, "subprocess") == ["hello of a process"]
    assert texts(found, "subprocess", "stderr") == ["and its error"]
    assert texts(found, "libc") == ["hello of C"]
    assert texts(found, "unfinished") == ["hello"]
    of_log = [one for one in found if one["step"] == "log"]
    assert [(one["level"], one["logger"]) for one in of_log] == [
        (None, None),
        ("info", "talk.logger"),
        ("error", "talk.logger"),
        (None, None),
    ]
    assert of_log[1]["text"] == "logged hello"
    assert of_log[2]["text"].startswith("caught\nTraceback")
    assert of_log[2]["text"].endswith("ValueError: hello")
    (structured,) = [one for one in found if one["step"] == "structlog"]
    assert (structured["level"], structured["logger"]) == ("warning", "talk.structured")
    assert structured["text"] == "structured text=hello number=7 password=REDACTED"
    steps = [one["step"] for one in found[1:-1]]
    assert steps == sorted(steps, key=["print", "log", "structlog", "subprocess", "libc", "unfinished"].index)
    assert [one["line"] for one in found] == list(range(1, len(found) + 1))
    assert {one["attempt"] for one in found} == {1}


def test_a_job_that_says_nothing_costs_no_row(api: httpx.Client, lifecycle_database: Database) -> None:
    report = ask.run(api, "slow", steps=2, seconds=0)

    assert page(api, report["id"]) == {"records": [], "next": None, "dropped": 0}
    talked(api, "print")
    assert kept(lifecycle_database, report["id"])["chunks"] == 0


def test_whatever_bytes_are_printed_are_kept_as_text(api: httpx.Client) -> None:
    report, found = talked(api, "garbage")

    assert "\\xff" in texts(found, "garbage")[-1]
    assert max(len(one["text"]) for one in found) <= 8192
    shown = api.get(f"{ask.REPORTS}/{report['id']}/logs", headers={"Accept": "text/plain"})
    assert shown.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert not set(shown.text) & {chr(code) for code in range(32) if chr(code) not in "\n\t"}


def test_a_secret_that_a_job_prints_is_not_kept(api: httpx.Client, lifecycle_database: Database) -> None:
    report, found = talked(api, "print", "log", "subprocess", text=f"password={CANARY}")

    assert "password=REDACTED" in str(found)
    assert CANARY not in kept(lifecycle_database, report["id"])["text"]


# How much of it


def test_a_loop_that_prints_all_the_time_costs_a_bounded_part_of_everything(
    api: httpx.Client, lifecycle: LifecycleStack, lifecycle_database: Database
) -> None:
    before = _peak_memory(lifecycle.pid(WORKER))
    report, found = talked(api, "loop")

    (gap, *others) = [one for one in found if one["dropped"]]
    assert found[0]["text"] == "before all steps"
    assert [one["text"] for one in found[-2:]] == ["the end of the loop", "after all steps"]
    assert sum(one["dropped"] or 1 for one in found) == 100 * MIB // 83 + 3
    assert f"{gap['dropped']:,} lines were dropped" in gap["text"]
    assert not others or sum(one["dropped"] for one in others) > 0
    stored = kept(lifecycle_database, report["id"])
    assert MIB / 2 < stored["bytes"] < 1.4 * MIB
    assert stored["on_disk"] < stored["bytes"]
    assert _peak_memory(lifecycle.pid(WORKER)) - before < 64 * MIB


def _peak_memory(pid: int) -> int:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line]
    return int(line.split()[1]) * 1024


def test_a_library_that_prints_while_it_holds_pythons_lock_is_not_held_up(api: httpx.Client) -> None:
    _, found = talked(api, "locked")

    assert sum(one["dropped"] or 1 for one in found) > 100_000


# Whose it is


def test_what_was_printed_before_a_crash_is_there_and_each_attempt_has_its_own(api: httpx.Client) -> None:
    report = ask.run(api, "talk", ways=["print", "crash"], text="hello", timeout_seconds=30)

    assert report["status"] == "fail"
    attempts = range(1, report["attempt"] + 1)
    found = records(api, report["id"], "half a line", report["attempt"])
    assert {one["attempt"] for one in found} == set(attempts)
    for attempt in attempts:
        of_it = [one["text"] for one in found if one["attempt"] == attempt and one["step"] == "crash"]
        assert of_it == ["hello before the crash", "half a line"]


def test_the_log_of_one_attempt_can_be_asked_for(api: httpx.Client) -> None:
    report, _ = talked(api, "print", failures=1)

    for attempt in (1, 2):
        found = page(api, report["id"], attempt=attempt)["records"]
        assert {one["attempt"] for one in found} == {attempt}
        assert [one["text"] for one in found][-1] == "after all steps"
    assert page(api, report["id"], attempt=3)["records"] == []


def test_nothing_of_a_report_is_in_another_of_the_same_slot(api: httpx.Client) -> None:
    """Also not what a process that it has left behind goes on to print, or C code has not written yet."""
    names = [f"report number {number}" for number in range(9)]
    ids = [
        ask.request(api, "talk", ways=["background" if not number % 3 else "libc", "unfinished"], text=name)
        for number, name in enumerate(names)
    ]
    for report_id in ids:
        assert ask.ended(api, report_id)["status"] == "done"

    for report_id, name in zip(ids, names, strict=True):
        found = records(api, report_id)
        assert name in str(found)
        assert not any(other in str(found) for other in names if other != name)


def test_what_a_job_prints_is_not_in_the_workers_log_and_what_it_logs_is(
    api: httpx.Client, lifecycle: LifecycleStack
) -> None:
    talked(api, "print", "log", text="said by a job alone")

    log = lifecycle.log(WORKER)
    assert "said by a job alone on standard error" not in log
    assert "logged said by a job alone" in log


def test_a_job_that_prints_leaves_its_process_to_the_next(tmp_path: Path) -> None:
    """But for streams that it has changed, which are seen as before."""
    lines: list[Entry] = []
    reader = OutputReader()
    reader.start()
    with slots.fork_server(tmp_path) as server:
        slot = Slot(server, reader.open)
        slot.open()
        for _ in range(3):
            slot.start(
                slots.job("talk", tmp_path, ways=["print", "log", "libc", "unfinished", "subprocess"]),
                sink=lambda token: JobParser(token, lines.append),
            )
            outcome, _told = slots.outcome(slot)
            slot.end_output()
            assert isinstance(outcome, Produced), outcome
            assert outcome.left_over == ()
        slot.start(slots.job("leave", tmp_path, how="standard streams"))
        outcome, _told = slots.outcome(slot)
        assert isinstance(outcome, Produced), outcome
        assert outcome.left_over == ("standard streams",)
        slot.stop()
    reader.stop()
    assert [entry.data for entry in lines].count(b"after all steps\n") == 3


# Reading it


def test_pages_follow_each_other_without_a_gap(api: httpx.Client) -> None:
    report, found = talked(api, "print", "log", "garbage", failures=1)

    paged: list[Record] = []
    after: str | None = None
    while True:
        some = page(api, report["id"], limit=3, **({"after": after} if after else {}))
        assert len(some["records"]) <= 3
        paged += some["records"]
        if (after := some["next"]) is None:
            break

    assert paged == found
    last = found[-1]
    assert page(api, report["id"], after=f"{last['attempt']}:{last['line']}")["records"] == []


def test_the_records_of_one_step_can_be_asked_for(api: httpx.Client) -> None:
    report, found = talked(api, "print", "log")

    assert page(api, report["id"], step="log")["records"] == [one for one in found if one["step"] == "log"]


def test_as_text_each_record_begins_a_line_and_none_can_make_one_up(api: httpx.Client) -> None:
    report, found = talked(api, "print", "log", text="two\r\x1b[2Jlines")

    answer = api.get(f"{ask.REPORTS}/{report['id']}/logs", params={"format": "text", "limit": 3})

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "\\r\\x1b[2J" in answer.text
    assert answer.headers["Waybill-Next"] == "1:3"
    all_of_it = api.get(f"{ask.REPORTS}/{report['id']}/logs", params={"format": "text"}).text
    begun = [line for line in all_of_it.splitlines() if not line.startswith("    ")]
    assert len(begun) == len(found)
    assert "Waybill-Next" not in api.get(f"{ask.REPORTS}/{report['id']}/logs?format=text").headers


@pytest.mark.parametrize(
    "query",
    ["after=1", "after=1:x", "limit=0", "attempt=0", "format=xml", "step=", "before=1:1", "after=-1:1"],
)
def test_a_wrong_query_is_refused(api: httpx.Client, query: str) -> None:
    report, _ = talked(api)

    problem(api.get(f"{ask.REPORTS}/{report['id']}/logs?{query}"), 422, "wrong-request")


def test_a_report_that_is_not_there_has_no_log(api: httpx.Client) -> None:
    for report_id in ("019ab000-0000-7000-8000-000000000000", "nothing"):
        problem(api.get(f"{ask.REPORTS}/{report_id}/logs"), 404, "no-such-report")


# Live


@contextmanager
def live(api: httpx.Client, report_id: str, **query: Any) -> Iterator[Iterator[ServerSentEvent]]:
    with api.stream("GET", sse.path(report_id), params=query) as response:
        assert response.status_code == httpx.codes.OK
        yield EventSource(response).iter_sse()


def test_a_stream_that_asks_for_it_gets_what_is_printed_while_the_report_runs(api: httpx.Client) -> None:
    report_id = ask.request(api, "talk", ways=["print", "log", "nothing"], seconds=1.5)

    with live(api, report_id, logs="true") as events:
        got = [(event.event, event.id, json.loads(event.data)) for event in events if event.data]

    logs = [data for name, _, data in got if name == "log"]
    assert [record for data in logs for record in data["records"]] == records(api, report_id)
    assert logs[0]["after"].startswith("1:")
    order = [name for name, _, data in got]
    assert order.index("log") < len(order) - 1 - order[::-1].index("step"), "before the last step ended"
    versions = [data["version"] for name, _, data in got if name != "log"]
    assert versions == list(range(1, len(versions) + 1))
    sent = [number for name, number, _ in got]
    assert sent == sorted(sent, key=int), "a record changes no Last-Event-ID"


def test_a_stream_that_does_not_ask_gets_none_of_it(api: httpx.Client) -> None:
    report, _ = talked(api, "print")

    assert {told.event for told in sse.listen(api, report["id"])} == {"status", "step"}


def test_a_stream_goes_on_after_what_was_seen(api: httpx.Client) -> None:
    report, found = talked(api, "print", "log")

    with live(api, report["id"], logs="true", logs_after="1:2", last_event_id=report["version"]) as events:
        got = [json.loads(event.data) for event in events if event.data]

    assert [record for data in got for record in data["records"]] == found[2:]
    last = f"1:{found[-1]['line']}"
    query = {"logs": "true", "logs_after": last, "last_event_id": report["version"]}
    assert api.get(sse.path(report["id"]), params=query).status_code == httpx.codes.NO_CONTENT


def test_many_streams_get_the_same(api: httpx.Client) -> None:
    report_id = ask.request(api, "talk", ways=["print", "log"], seconds=1)
    got: list[list[Record]] = []

    def follow() -> None:
        with live(api, report_id, logs="true") as events:
            data = [json.loads(event.data) for event in events if event.event == "log"]
        got.append([record for one in data for record in one["records"]])

    threads = [Thread(target=follow) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == [records(api, report_id)] * 5


# Where it ends


def test_it_goes_with_its_report(api: httpx.Client, lifecycle_database: Database) -> None:
    """Also where a process of an earlier version removes the report, which knows of no logs."""
    report, _ = talked(api, "print")
    lifecycle_database.execute("DELETE FROM reports WHERE id = :id", id=report["id"])

    assert kept(lifecycle_database, report["id"])["chunks"] == 0
