"""Kafka's own counts."""

from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, TopicPartition

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
    ends = [
        consumer.get_watermark_offsets(TopicPartition(topic, one), timeout=_SECONDS) for one in partitions
    ]
    return float(sum(end[1] for end in ends if end))
