"""Messages that a worker's process could not survive, read by the worker's intake in the tests' process."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Message

from report_worker.intake import Intake
from tests.support.kafka import Record, Topics
from tests.support.librdkafka import send_header
from tests.support.lifecycle_store import ORIGIN, Store, seen
from waybill.domain import End, Failure, FailureType, Fence, NewReport, Status, new_report_id
from waybill.kafka import KafkaConfig, consumer, ensure_topics
from waybill.messages import Command
from waybill.store import DeadLetterFilter
from waybill.topics import Topics as Names

pytest_plugins = ["tests.support.lifecycle_fixtures"]

USUAL = 50
"""So many calls of one place make CPython call it in another way."""


@pytest.fixture
def names(topics: Topics) -> Names:
    unique = uuid4().hex[:8]
    made = Names(f"intake-{unique}", f"intake-{unique}-status", f"intake-{unique}-dead-letter")
    ensure_topics(KafkaConfig(topics.bootstrap, "tests"), made, partitions=1, replication=1)
    return made


@pytest.fixture
def client(topics: Topics, names: Names) -> Iterator[Consumer]:
    client = consumer(KafkaConfig(topics.bootstrap, "tests"), names.report)
    client.subscribe([names.report])
    yield client
    client.close()


def read(client: Consumer) -> Message:
    for _ in range(60):
        message = client.poll(0.5)
        if message is not None and message.error() is None:
            return message
    raise AssertionError("no message came")


def test_a_header_whose_name_is_not_utf8_costs_no_worker(
    store: Store, topics: Topics, names: Names, client: Consumer
) -> None:
    intake = Intake(store.ledger, store.dead_letters, KafkaConfig(topics.bootstrap, "tests"), names.report)
    topics.send(names.report, *(Record(b"usual", headers=(("traceparent", b"x"),)) for _ in range(USUAL)))
    send_header(topics.bootstrap, names.report, b"certainly not", b"\xff\xfe")
    topics.send(names.report, Record(b"the next"))

    messages = [read(client) for _ in range(USUAL + 2)]
    for message in messages:
        assert intake.begin(message, alone=True)() is None
    assert intake.begin(messages[USUAL], alone=True)() is None, "as after an outage of the database"

    letters = store.dead_letters.page(DeadLetterFilter(limit=2 * USUAL))
    assert len(letters) == USUAL + 2


def test_a_command_that_is_forged_or_sent_again_changes_nothing(
    store: Store, topics: Topics, names: Names, client: Consumer
) -> None:
    """Anyone who can write to the topic could send it: what becomes of a report is for its row to say."""
    running, ended, cancelled = (
        store.ledger.accept(NewReport(new_report_id(), "dowork", {}, None)) for _ in range(3)
    )
    assert store.claim(running.id, "another worker")
    assert store.claim(ended.id, "another worker")
    fence, failure = Fence(ended.id, 1, "another worker"), Failure(FailureType.ERROR, "Something wrong!")
    store.ledger.finish(fence, End(Status.FAIL, failure, exhausted=True), origin=ORIGIN)
    store.ledger.cancel(cancelled.id)
    before = [seen(report) for one in (running, ended, cancelled) if (report := store.ledger.get(one.id))]
    assert len(before) == 3
    unknown = new_report_id()
    commands = [
        Command(report_id=report_id, kind=kind).model_dump_json().encode()
        for report_id in (running.id, ended.id, cancelled.id, unknown)
        for kind in ("dowork", "flights")
    ]
    intake = Intake(store.ledger, store.dead_letters, KafkaConfig(topics.bootstrap, "tests"), names.report)
    topics.send(names.report, *(Record(value, partition=0) for value in commands * 2))

    for _ in commands * 2:
        assert intake.begin(read(client), alone=True)() is None

    after = [seen(report) for one in (running, ended, cancelled) if (report := store.ledger.get(one.id))]
    assert after == before
    assert store.ledger.get(unknown) is None
