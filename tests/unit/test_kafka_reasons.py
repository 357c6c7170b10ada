"""What is logged of Kafka's clients: no name or address of a host."""

import logging
import re

import pytest
from confluent_kafka import KafkaError, KafkaException
from structlog.testing import capture_logs

from tests.support.waiting import eventually
from waybill.kafka import KafkaConfig, KafkaHealth, clients, producer, reason_of
from waybill.kafka.repeats import OncePerMinute

_HUSH = re.compile(r"hush|127|::1|localhost")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "kafka-0.hush:9092/1: Connect to ipv4#10.0.0.7:9092 failed: Connection refused (after 0ms)",
            "…/1: Connect to ipv4#… failed: Connection refused (after 0ms)",
        ),
        ("[::1]:1/bootstrap: Connect to ipv6#[::1]:1 failed", "…/bootstrap: Connect to ipv6#… failed"),
        ("Failed to resolve 'kafka.hush:9092': Name unknown", "Failed to resolve '…': Name unknown"),
        ("GroupCoordinator: hush:9092: Disconnected", "GroupCoordinator: …: Disconnected"),
        ("1/1 brokers are down", "1/1 brokers are down"),
        ("error:0A000086:SSL routines::verify failed", "error:0A000086:SSL routines::verify failed"),
    ],
)
def test_the_reason_stays_and_the_hosts_go(text: str, shown: str) -> None:
    error = KafkaError(KafkaError._TRANSPORT, text)

    assert reason_of(error) == shown
    assert reason_of(KafkaException(error)) == shown


@pytest.fixture
def afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of librdkafka was logged in the last minute."""
    for one in clients._librdkafka_log.filters:
        if isinstance(one, OncePerMinute):
            monkeypatch.setattr(one, "_passed", {})


@pytest.mark.usefixtures("afresh")
@pytest.mark.parametrize("protocol", ["plaintext", "sasl_plaintext"])
def test_librdkafkas_own_lines_name_no_host(protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    addresses = "127.0.0.1:1,localhost:1,[::1]:1,nowhere.hush.invalid:9092"
    sasl = {"sasl.mechanism": "PLAIN", "sasl.username": "somebody", "sasl.password": "something"}
    security = {"security.protocol": protocol, **(sasl if protocol.startswith("sasl") else {})}
    config = KafkaConfig(addresses, "tests", security)

    with caplog.at_level(logging.DEBUG, logger=clients.__name__), capture_logs() as ours:
        client = producer(config)
        eventually(
            lambda: client.poll(0.1) >= 0 and caplog.text.count("FAIL") >= 4, "a line for each address"
        )
        eventually(lambda: client.poll(0.1) >= 0 and ours, "what the client tells its callback")

    assert "failed: Connection refused" in caplog.text
    assert not _HUSH.search(caplog.text)
    assert not _HUSH.search(str(ours))


def test_what_keeps_a_client_from_its_task_names_no_host() -> None:
    with capture_logs() as lines:
        KafkaHealth("publish").failed(KafkaError(KafkaError._TRANSPORT, "kafka.hush:9092/1: Disconnected"))

    assert [line["error"] for line in lines] == ["…/1: Disconnected"]
