"""Publishing a batch: what the broker says of each message decides what becomes of it.

The brokers are librdkafka's own mock, in this process: a real one refuses nothing on demand.
"""

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from waybill.domain import Carrier
from waybill.kafka import KafkaHealth
from waybill.outbox.publisher import Publisher
from waybill.store import OutboxMessage

CARRIER = Carrier("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")


def message(*, size: int = 1, traced: bool = False) -> OutboxMessage:
    return OutboxMessage("report", "key", {"x": "y" * size}, CARRIER, traced=traced)


def publisher(**config: object) -> Publisher:
    return Publisher(Producer({"test.mock.num.brokers": 1, "log_level": 0, **config}), "test")


def test_what_the_broker_has_is_acknowledged_in_order() -> None:
    outcome = publisher().publish([message() for _ in range(5)])

    assert outcome.acknowledged == [0, 1, 2, 3, 4]
    assert not outcome.refused
    assert not outcome.failed


@pytest.mark.parametrize("traced", [True, False])
def test_a_message_that_is_too_large_is_refused_and_the_others_go_on(traced: bool) -> None:
    small = publisher(**{"message.max.bytes": 1000})

    outcome = small.publish([message(), message(size=5000, traced=traced), message()])

    assert outcome.acknowledged == [0, 2]
    assert outcome.refused.keys() == {1}
    assert "too large" in outcome.refused[1]


@pytest.mark.parametrize("traced", [True, False])
def test_a_message_that_reaches_no_broker_has_failed_and_may_be_sent_again(traced: bool) -> None:
    nowhere = Producer(
        {"bootstrap.servers": "127.0.0.1:1", "delivery.timeout.ms": 200, "log_level": 0, "linger.ms": 0}
    )

    outcome = Publisher(nowhere, "test").publish([message(traced=traced)])

    assert not outcome.acknowledged
    assert outcome.failed.keys() == {0}


def test_a_full_queue_fails_what_does_not_fit() -> None:
    narrow = publisher(**{"queue.buffering.max.messages": 2, "linger.ms": 1000})

    outcome = narrow.publish([message() for _ in range(5)])

    assert outcome.acknowledged[:2] == [0, 1]
    assert set(outcome.acknowledged) | set(outcome.failed) == {0, 1, 2, 3, 4}
    assert outcome.failed


def test_a_kafka_that_is_away_is_no_error_before_there_is_a_message() -> None:
    nowhere = Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    with pytest.raises(KafkaException):
        nowhere.list_topics(timeout=5)

    Publisher(nowhere, "test").warm_up()


class TestLookingAgain:
    def test_a_topic_that_can_be_reached_again_is_no_problem_any_more(self) -> None:
        health = KafkaHealth("test")
        health.failed(KafkaError(KafkaError._MSG_TIMED_OUT), "report")

        assert Publisher(Producer({"test.mock.num.brokers": 1}), "test", health=health).look_again()

        assert health.problem is None

    def test_one_that_cannot_stays_one(self) -> None:
        health = KafkaHealth("test")
        health.failed(KafkaError(KafkaError._MSG_TIMED_OUT), "report")
        nowhere = Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})

        assert not Publisher(nowhere, "test", health=health).look_again()

        assert health.problem is not None

    def test_what_metadata_do_not_show_is_left_to_the_next_message(self) -> None:
        health = KafkaHealth("test")
        health.failed(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), "report")

        assert Publisher(Producer({"test.mock.num.brokers": 1}), "test", health=health).look_again()

        assert health.problem is not None
