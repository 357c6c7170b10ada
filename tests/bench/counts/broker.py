"""Kafka's own counts."""

from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer

from tests.support.kafka import end_of

_SECONDS = 20.0


def read(bootstrap: str, topics: Iterable[str]) -> Mapping[str, float]:
    """By topic: the number of messages that it has ever got."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench", "enable.auto.commit": False})
    try:
        return {topic: _end(consumer, topic) for topic in topics}
    finally:
        consumer.close()


def _end(consumer: Consumer, topic: str) -> float:
    partitions = consumer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions
    return float(sum(end_of(consumer, topic, one) for one in partitions))
