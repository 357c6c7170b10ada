"""Whatever comes on topic `report`, the partition moves on, and nothing is lost without a word."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.carriers import ForeignSpan
from tests.support.database import Database
from tests.support.kafka import Record, Topics
from tests.support.reports import QUICK, asked_by, ended
from tests.support.traces import Traces
from tests.support.waiting import eventually
from waybill.domain import new_report_id
from waybill_client import Report, WaybillClient


def command(**fields: Any) -> bytes:
    good: dict[str, Any] = {"schema_version": 1, "report_id": str(uuid4()), "kind": "dowork"}
    return json.dumps({**good, **fields}).encode()


POISON = {
    "not JSON": (b"certainly not", "not_json"),
    "cut off": (command()[:-5], "not_json"),
    "null value": (None, "null_value"),
    "empty": (b"", "not_json"),
    "array": (b"[1, 2, 3]", "not_an_object"),
    "text": (b'"report"', "not_an_object"),
    "empty object": (b"{}", "unknown_schema_version"),
    "next version": (command(schema_version=2), "unknown_schema_version"),
    "no version": (command(schema_version=None), "unknown_schema_version"),
    "version with a NUL": (command(schema_version="\0"), "unknown_schema_version"),
    "wrong report id": (command(report_id="seven"), "wrong_field"),
    "report id with a NUL": (command(report_id="\0"), "wrong_field"),
    "report id with half a letter": (command(report_id="\ud800"), "wrong_field"),
    "number for a report id": (command(report_id=7), "wrong_field"),
    "unknown report id": (command(), "no_such_report"),
    "nested deeply": (b"[" * 100_000, "not_json"),
    "900 KB of garbage": (b"\xfe" * 900_000, "not_json"),
    "900 KB of a field": (command(schema_version="x" * 900_000), "unknown_schema_version"),
}

BAD_HEADERS: dict[str, tuple[tuple[str, bytes | None], ...]] = {
    "None": (("traceparent", None),),
    "empty": (("traceparent", b""),),
    "not UTF-8": (("traceparent", b"\xff\xfe\xfd"),),
    "garbage": (("traceparent", b"garbage"),),
    "NUL": (("traceparent", b"00-\0-\0-01"),),
    "upper case": (("traceparent", ForeignSpan().traceparent.upper().encode()),),
    "all zero": (("traceparent", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01"),),
    "version ff": (("traceparent", b"ff" + ForeignSpan().traceparent[2:].encode()),),
    "bad tracestate": (("traceparent", b"garbage"), ("tracestate", b"\0=\0")),
    "others besides": (("traceparent", None), ("content-type", None), ("x", b"\xff")),
}


def letter_of(database: Database, record: Record) -> dict[str, Any]:
    """The row of `dead_letters` for a message, once it is there."""

    def look() -> dict[str, Any] | None:
        return database.row(
            'SELECT * FROM dead_letters WHERE partition = :p AND "offset" = :o',
            p=record.partition,
            o=record.offset,
        )

    return eventually(look, f"a dead letter of partition {record.partition}, offset {record.offset}")


def announced(topics: Topics, letter_id: UUID) -> dict[str, Any]:
    """The message on `report-dead-letter`, once it is there."""

    def look() -> list[Record]:
        return topics.records_of("report-dead-letter", letter_id)

    (record,) = eventually(look, f"the announcement of dead letter {letter_id}")
    body: dict[str, Any] = record.json
    return body


@pytest.fixture(scope="module")
def poison(topics: Topics) -> Mapping[str, Record]:
    """All of it, as it was stored."""
    records = (Record(value, key=b"\xff\0") for value, _ in POISON.values())
    return {name: topics.send("report", record)[0] for name, record in zip(POISON, records, strict=True)}


@pytest.mark.parametrize("name", POISON)
def test_poison_is_kept_with_its_reason_and_announced(
    name: str, poison: Mapping[str, Record], topics: Topics, database: Database
) -> None:
    sent, (value, reason) = poison[name], POISON[name]

    letter = letter_of(database, sent)

    assert (letter["reason"], letter["topic"]) == (reason, "report")
    assert letter["detail"]
    assert letter["key"] == b"\xff\0"
    assert (letter["value"] is None) == (value is None)
    assert (value or b"").startswith(letter["value"] or b"")
    assert len(letter["value"] or b"") == min(len(value or b""), 64 * 1024 - 2)
    assert letter["value_size"] == len(value or b"")
    told = announced(topics, letter["id"])
    assert (told["reason"], told["detail"]) == (reason, letter["detail"])
    assert (told["partition"], told["offset"]) == (sent.partition, sent.offset)
    assert told["value_size"] == len(value or b"")
    assert value is None or value.startswith(b64decode(told["value_base64"]))


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_poison_with_bad_headers_is_kept_too(name: str, topics: Topics, database: Database) -> None:
    (sent,) = topics.send("report", Record(b"certainly not", headers=BAD_HEADERS[name]))

    assert letter_of(database, sent)["reason"] == "not_json"


def test_the_next_good_reports_on_every_partition_run(topics: Topics, client: WaybillClient) -> None:
    values = [value for value, _ in POISON.values() if len(value or b"") < 10_000]
    waiting = set(topics.partitions("report"))
    last = {
        number: topics.send("report", *(Record(value, partition=number) for value in values))[-1].offset
        for number in waiting
    }

    while waiting:
        good = [client.request("dowork", QUICK) for _ in range(2 * len(last))]
        assert {ended(client, report.id).status for report in good} == {"done"}
        keys = {str(report.id).encode() for report in good}
        waiting -= {
            record.partition
            for record in topics.records("report")
            if record.key in keys and record.offset > last[record.partition]
        }


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_a_command_with_bad_headers_runs_in_a_new_trace(
    name: str, topics: Topics, client: WaybillClient, database: Database, traces: Traces
) -> None:
    report_id = _waiting_report(database)
    value = command(report_id=str(report_id))

    topics.send("report", Record(value, key=str(report_id).encode(), headers=BAD_HEADERS[name]))

    report = ended(client, report_id)
    assert report.status == "done"
    _assert_begins_at_the_worker(report, traces)


@pytest.fixture(scope="module")
def bare_carriers(topics: Topics) -> Mapping[str, Record]:
    """Messages as of the article's producer, with each bad header."""
    records = (Record(b"{}", key=b"report", headers=headers) for headers in BAD_HEADERS.values())
    return {name: topics.send("report", record)[0] for name, record in zip(BAD_HEADERS, records, strict=True)}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_a_bare_carrier_in_bad_headers_asks_for_a_report_in_a_new_trace(
    name: str,
    bare_carriers: Mapping[str, Record],
    client: WaybillClient,
    database: Database,
    traces: Traces,
) -> None:
    report = ended(client, asked_by(database, bare_carriers[name]))

    assert report.attempt == 1
    _assert_begins_at_the_worker(report, traces)


BAD_TEXTS = ["\0", "\ud800", "garbage", "00-\0-\0-01", 7, None, {}, "x" * 200_000]


@pytest.fixture(scope="module")
def bad_values(topics: Topics) -> list[Record]:
    """Messages as of the article's producer, each with a bad carrier in its value."""
    values = [json.dumps({"traceparent": text, "tracestate": text}).encode() for text in BAD_TEXTS]
    return [topics.send("report", Record(value, key=b"report"))[0] for value in values]


@pytest.mark.parametrize("number", range(len(BAD_TEXTS)))
def test_a_bad_carrier_in_the_value_costs_the_trace_and_not_the_job(
    number: int, bad_values: list[Record], client: WaybillClient, database: Database, traces: Traces
) -> None:
    report = ended(client, asked_by(database, bad_values[number]))

    assert report.attempt == 1
    _assert_begins_at_the_worker(report, traces)


def test_of_two_traceparents_the_last_one_counts(
    topics: Topics, client: WaybillClient, traces: Traces, database: Database
) -> None:
    stale, fresh = ForeignSpan(), ForeignSpan()
    headers = (("traceparent", stale.traceparent.encode()), ("traceparent", fresh.traceparent.encode()))

    (sent,) = topics.send("report", Record(b"{}", key=b"report", headers=headers))

    report = ended(client, asked_by(database, sent))
    assert report.trace_id == fresh.trace_id
    trace = traces.of_caller(fresh, "report_consumer", "doWork:9")
    assert trace["report_consumer"].links == ((fresh.trace_id, fresh.id),)
    assert traces.now(stale.trace_id).spans == ()


def _waiting_report(database: Database) -> UUID:
    """A report whose command never came."""
    report_id = new_report_id()
    database.execute(
        "INSERT INTO reports (id, kind, parameters) VALUES (:id, 'dowork', :parameters)",
        id=report_id,
        parameters=json.dumps(QUICK),
    )
    return report_id


def _assert_begins_at_the_worker(report: Report, traces: Traces) -> None:
    trace = traces.whole(report.trace_id, "report_consumer", "handle_report", services=("report-worker",))
    consumer = trace["report_consumer"]
    assert consumer.parent_id is None
    assert consumer.links == ()
    assert trace["handle_report"].parent_id == consumer.id
