"""The end of a partition, as the tests ask for it."""

from collections.abc import Iterator
from typing import cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException

from tests.support.kafka import end_of

UNKNOWN = KafkaException(KafkaError(KafkaError._UNKNOWN_PARTITION))
DENIED = KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))


class Client:
    """One whose answers are given: neither error can be made to come from Kafka on demand."""

    def __init__(self, *answers: tuple[int, int] | KafkaException) -> None:
        self._answers: Iterator[tuple[int, int] | KafkaException] = iter(answers)

    def get_watermark_offsets(self, *_: object, **__: object) -> tuple[int, int]:
        answer = next(self._answers)
        if isinstance(answer, KafkaException):
            raise answer
        return answer


def test_a_partition_that_is_not_known_for_a_moment_is_asked_again() -> None:
    assert end_of(cast(Consumer, Client(UNKNOWN, UNKNOWN, (3, 7))), "report", 0) == 7


def test_every_other_error_is_raised_at_once() -> None:
    with pytest.raises(KafkaException):
        end_of(cast(Consumer, Client(DENIED, (3, 7))), "report", 0)
