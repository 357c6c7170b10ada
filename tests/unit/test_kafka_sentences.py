"""What keeps a client from its task, in one sentence: by librdkafka's words for what ends a connection."""

import pytest
from confluent_kafka import KafkaError

from waybill.kafka import KafkaHealth
from waybill.kafka.sentences import explain, names_the_cause

HANDSHAKE = "ssl://hush:9093/bootstrap: SSL handshake failed: "
VERIFY = "error:0A000086:SSL routines::certificate verify failed"
RECEIVE = "ssl://hush:9093/bootstrap: Receive failed: error:0A00"
PLAINTEXT = "Disconnected: connection reset by peer: connecting to a PLAINTEXT broker listener?"

OURS = "Kafka refuses the service's certificate"
THEIRS = "Kafka's certificate cannot be verified"
NO_TLS = "Kafka does not answer by TLS"
NO_ANSWER = "Kafka does not answer: check that it runs"


@pytest.mark.parametrize(
    ("code", "text", "sentence"),
    [
        (
            KafkaError._SSL,
            f"{HANDSHAKE}{VERIFY}: broker certificate could not be verified, verify that ssl.ca.location",
            THEIRS,
        ),
        (
            KafkaError._TRANSPORT,
            f"ssl://hush:9093/bootstrap: {VERIFY} (after 1ms in state SSL_HANDSHAKE)",
            THEIRS,
        ),
        (
            KafkaError._TRANSPORT,
            f"{RECEIVE}0418:SSL routines::tlsv1 alert unknown ca: SSL alert number 48",
            OURS,
        ),
        (KafkaError._TRANSPORT, f"{RECEIVE}045C:SSL routines::tlsv13 alert certificate required", OURS),
        (KafkaError._TRANSPORT, f"{RECEIVE}0416:SSL routines::sslv3 alert certificate unknown", OURS),
        (KafkaError._SSL, f"{HANDSHAKE}error:0A000412:SSL routines::sslv3 alert bad certificate", OURS),
        (KafkaError._SSL, f"{HANDSHAKE}error:0A000410:SSL routines::sslv3 alert handshake failure", OURS),
        (KafkaError._TRANSPORT, f"{HANDSHAKE}{PLAINTEXT} (after 7ms in state SSL_HANDSHAKE)", NO_TLS),
        (KafkaError._SSL, f"{HANDSHAKE}error:0A00010B:SSL routines::wrong version number", NO_TLS),
        (KafkaError._SSL, f"{HANDSHAKE}something else", "no TLS connection to Kafka"),
        (KafkaError._AUTHENTICATION, "SASL authentication error", "Kafka refuses the credentials"),
        (KafkaError._TRANSPORT, "hush:9093/1: Disconnected (after 3 ms)", NO_ANSWER),
        (KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down", NO_ANSWER),
        (KafkaError.NOT_CONTROLLER, "", "Kafka answers with an error: NOT_CONTROLLER."),
    ],
)
def test_each_cause_has_its_sentence(code: int, text: str, sentence: str) -> None:
    error = KafkaError(code, text)

    assert explain(error, topic="report", group="workers").startswith(sentence)
    assert names_the_cause(error) is (sentence != NO_ANSWER and code != KafkaError.NOT_CONTROLLER)


def test_what_ended_the_connection_explains_that_there_is_no_answer() -> None:
    health = KafkaHealth("read commands")
    health.note(KafkaError(KafkaError._TRANSPORT, f"{RECEIVE}0418:SSL routines::tlsv1 alert unknown ca"))
    health.note(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))

    health.failed(KafkaError(KafkaError._TIMED_OUT, "Failed to get metadata: Local: Timed out"))

    assert (health.problem or "").startswith(OURS)


def test_a_failure_with_a_cause_of_its_own_is_not_explained_by_an_earlier_one() -> None:
    health = KafkaHealth("read commands")
    health.note(KafkaError(KafkaError._AUTHENTICATION, "SASL authentication error"))

    health.failed(KafkaError(KafkaError._TRANSPORT, f"{HANDSHAKE}{VERIFY}"))

    assert (health.problem or "").startswith(THEIRS)
