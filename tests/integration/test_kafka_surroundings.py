"""A Kafka that does not give what a service needs: `/readyz` and the log say in one line what is missing."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from confluent_kafka import Consumer, KafkaError

from local.parts import services
from local.stack import Stack
from producer_api.status_hints import StatusHints
from tests.support.broker import Broker, broker, start
from tests.support.kafka import Topics
from tests.support.waiting import eventually
from waybill.domain import Carrier
from waybill.kafka import GroupMembership, KafkaConfig, KafkaHealth, consumer, ensure_topics, producer
from waybill.kafka.clients import group_protocol
from waybill.outbox.publisher import Publisher
from waybill.store import OutboxMessage
from waybill.topics import Topics as Names

pytest_plugins = ["tests.support.lifecycle_fixtures"]

NAMES = Names()
CLASSIC = "set WAYBILL_KAFKA_GROUP_PROTOCOL=classic"
SCRIPTS = Path(sys.executable).parent


def settings(store_url: str, stack: Stack, kafka: str, directory: Path) -> dict[str, str]:
    return services.settings(
        database_url=store_url,
        kafka_bootstrap=kafka,
        otlp_endpoint=stack.endpoints.otlp_endpoint,
        artefacts=directory,
        temporary=directory,
    )


def answer(port: int) -> tuple[int, dict[str, Any]]:
    got = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=30, trust_env=False)
    return got.status_code, got.json()


@pytest.mark.parametrize(
    ("lines", "features"),
    [
        pytest.param("group.coordinator.rebalance.protocols=classic", (), id="classic alone"),
        pytest.param("", ("group.version=0",), id="group.version=0"),
    ],
)
def test_a_worker_without_its_group_protocol_names_the_setting_that_helps(
    stack: Stack, store_url: str, tmp_path: Path, lines: str, features: tuple[str, ...]
) -> None:
    with broker(tmp_path / "kafka", lines, features) as kafka:
        ensure_topics(KafkaConfig(kafka.bootstrap, "tests"), NAMES, partitions=2, replication=1)
        environment = settings(store_url, stack, kafka.bootstrap, tmp_path)
        port = kafka.ports["worker"]

        start(kafka, services.report_worker(SCRIPTS, environment, port))

        eventually(lambda: CLASSIC in answer(port)[1]["parts"]["kafka"], "the setting in /readyz")
        status, body = answer(port)
        assert (status, body["missing"]) == (503, ["kafka"])
        log = kafka.run_dir.log("report-worker").read_text()
        assert log.count(CLASSIC) == 1, "once, and not at every try"
        kafka.runner.stop_part("report-worker")

        environment["WAYBILL_KAFKA_GROUP_PROTOCOL"] = "classic"
        start(kafka, services.report_worker(SCRIPTS, environment, port))

        eventually(lambda: answer(port)[0] == 200, "readiness")
        group = Topics(kafka.bootstrap).assignments("report-worker")
        assert [sorted(partitions) for partitions in group.values()] == [[0, 1]]


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_a_member_without_partitions_is_ready(topics: Topics, protocol: str) -> None:
    """More workers than partitions: the others take over when one ends."""
    unique = uuid4().hex[:8]
    names = Names(f"few-{unique}", f"few-{unique}-status", f"few-{unique}-dead-letter")
    ensure_topics(KafkaConfig(topics.bootstrap, "tests"), names, partitions=1, replication=1)
    group = f"few-{unique}"

    with (
        member(KafkaConfig(topics.bootstrap, "first"), names.report, group, protocol) as first,
        member(KafkaConfig(topics.bootstrap, "second"), names.report, group, protocol) as second,
    ):
        eventually(lambda: [first.problem(), second.problem()] == [None, None], "two members")
        eventually(lambda: sorted(map(len, topics.assignments(group).values())) == [0, 1], "one partition")
        assert [first.problem(), second.problem()] == [None, None]

    assert second.problem() is None, "what Kafka answered is kept for a while"


@contextmanager
def member(
    config: KafkaConfig, topic: str, group: str, protocol: str = "consumer"
) -> Iterator[GroupMembership]:
    """As the worker's loop has it."""
    health = KafkaHealth("read commands", topic=topic, group=group)
    membership = GroupMembership(config, topic, group, health)
    client = consumer(
        config,
        group,
        **group_protocol(protocol),
        **health.settings(),
        **{"statistics.interval.ms": 500, "stats_cb": membership.update},
    )
    client.subscribe([topic])
    stopping = threading.Event()
    polling = threading.Thread(target=poll, args=(client, health, stopping))
    polling.start()
    try:
        yield membership
    finally:
        stopping.set()
        polling.join(30)
        client.close()


def poll(client: Consumer, health: KafkaHealth, stopping: threading.Event) -> None:
    while not stopping.is_set():
        message = client.poll(0.1)
        error = message.error() if message else None
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            health.failed(error)


# --- a Kafka that authorizes ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def restricted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Its user may read the topic `report` in the group `allowed`, and no more."""
    with broker(tmp_path_factory.mktemp("restricted")) as started:
        ensure_topics(KafkaConfig(started.bootstrap, "tests"), NAMES, partitions=1, replication=1)
        started.allow("GROUP", "allowed", "READ")
        started.allow("TOPIC", "report", "READ")
        started.allow("TOPIC", "missing", "WRITE")
        started.allow("TOPIC", "missing", "READ")
        yield started


WRONG: Mapping[str, tuple[str, str, dict[str, str], str]] = {
    "group": ("report", "denied", {}, "the consumer group denied: allow the operation Read"),
    "topic": ("report-status", "allowed", {}, "the topic report-status: allow Read"),
    "unknown": ("missing", "allowed", {}, "no topic missing: create it by 'waybill topics'"),
    "password": ("report", "allowed", {"sasl.password": "no"}, "WAYBILL_KAFKA_SASL_MECHANISM"),
    "plaintext": (
        "report",
        "allowed",
        {"security.protocol": "PLAINTEXT"},
        "WAYBILL_KAFKA_SECURITY_PROTOCOL",
    ),
    "ssl": ("report", "allowed", {"security.protocol": "SSL"}, "WAYBILL_KAFKA_SECURITY_PROTOCOL"),
}


def config(restricted: Broker, more: Mapping[str, str] | None = None) -> KafkaConfig:
    return KafkaConfig(restricted.restricted, f"tests-{uuid4()}", {**restricted.security, **(more or {})})


def sentence(found: Callable[[], str | None], words: str, broker: Broker) -> None:
    """Waits for it; it gives away no host and no user."""
    eventually(lambda: words in (found() or ""), words)
    said = found() or ""
    assert "127.0.0.1" not in said
    assert broker.security["sasl.password"] not in said


def test_a_user_with_all_that_it_needs_is_a_member(restricted: Broker) -> None:
    with member(config(restricted), "report", "allowed") as membership:
        eventually(lambda: membership.problem() is None, "membership")


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
@pytest.mark.parametrize("case", WRONG)
def test_a_worker_says_what_keeps_it_from_its_group(restricted: Broker, case: str, protocol: str) -> None:
    topic, group, security, words = WRONG[case]

    with member(config(restricted, security), topic, group, protocol) as membership:
        sentence(membership.problem, words, restricted)


@pytest.mark.parametrize("case", ["topic", "unknown", "password", "plaintext", "ssl"])
def test_the_apis_status_consumer_says_what_keeps_it_from_its_topic(restricted: Broker, case: str) -> None:
    topic, _, security, words = WRONG[case]
    hints = StatusHints(config(restricted, security), topic, lambda _: None)
    hints.start()
    try:
        sentence(lambda: hints.problem, words, restricted)
    finally:
        hints.stop()


@pytest.mark.parametrize("case", ["topic", "unknown", "password", "plaintext"])
def test_the_relays_producer_says_what_keeps_it_from_its_topic(restricted: Broker, case: str) -> None:
    topic, _, security, words = WRONG[case]
    health = KafkaHealth("publish messages")
    client = producer(config(restricted, security), health, delivery_timeout_ms=2000)
    message = OutboxMessage(topic, "key", {"a": 1}, Carrier("00-x"))

    Publisher(client, "tests", health=health).publish([message])

    sentence(lambda: health.problem, words, restricted)


def test_an_api_without_kafka_takes_reports_and_says_what_is_missing(
    restricted: Broker, stack: Stack, store_url: str, tmp_path: Path
) -> None:
    environment = settings(store_url, stack, restricted.restricted, tmp_path) | {
        "WAYBILL_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "WAYBILL_KAFKA_SASL_MECHANISM": "PLAIN",
        "WAYBILL_KAFKA_SASL_USERNAME": "waybill",
        "WAYBILL_KAFKA_SASL_PASSWORD": "not-its-secret",
        "WAYBILL_HTTP_WORKERS": "1",
    }
    port = restricted.ports["api"]

    start(restricted, services.producer_api(SCRIPTS, environment, port, restricted.ports["api-health"]))

    eventually(lambda: "SASL_PASSWORD" in answer(port)[1]["parts"]["kafka"], "the setting in /readyz")
    status, body = answer(port)
    assert (status, body["status"], body["missing"]) == (200, "degraded", ["kafka"])
    assert "127.0.0.1" not in str(body)
    restricted.runner.stop_part("producer-api")
