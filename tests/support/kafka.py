"""Kafka as somebody else's program uses it: confluent-kafka alone, nothing of Waybill's."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not in its type hints
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

_SECONDS = 30.0
_MOST_BYTES = 20_000_000
"""Of a message that we send: far above what brokers take unless they are told to."""


@dataclass(frozen=True)
class Record:
    """A message, as it was read or is to be sent."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int = -1
    offset: int = -1

    @property
    def json(self) -> Any:
        assert self.value is not None
        return json.loads(self.value)

    def header(self, name: str) -> list[bytes | None]:
        """Every value of the header."""
        return [value for key, value in self.headers if key == name]


@dataclass
class Topics:
    """Reads and writes the topics of one broker."""

    bootstrap: str
    _producers: list[Producer] = field(default_factory=list)

    def partitions(self, topic: str) -> list[int]:
        return sorted(self._producer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions)

    def send(self, topic: str, *records: Record) -> list[Record]:
        """As they were stored: with partition and offset. A partition of -1 lets the key decide."""
        stored: list[Record] = []

        def keep(error: KafkaError | None, message: Message) -> None:
            assert error is None, error
            stored.append(_read(message))

        for record in records:
            self._producer.produce(
                topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers),
                partition=record.partition,
                on_delivery=keep,
            )
        assert self._producer.flush(_SECONDS) == 0
        return stored

    def remove(self, *topics: str) -> None:
        """With all that is in them."""
        admin = self._admin()
        for removed in admin.delete_topics(list(topics)).values():
            removed.result(_SECONDS)

    def take_messages_of(self, topic: str, size: int) -> None:
        """From now on the topic takes messages of so many bytes."""
        entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        admin = self._admin()  # kept until the answers are in: they are lost with it
        for changed in admin.incremental_alter_configs([resource]).values():
            changed.result(_SECONDS)

    def records(self, topic: str) -> list[Record]:
        """All that a topic holds now, partition by partition in the order of the offsets."""
        client = Consumer(self._consumer_settings(f"test-{uuid4()}"))
        try:
            ends = {number: end_of(client, topic, number) for number in self.partitions(topic)}
            client.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in ends])
            return sorted(_drain(client, ends), key=lambda record: (record.partition, record.offset))
        finally:
            client.close()

    def records_of(self, topic: str, report_id: UUID | str) -> list[Record]:
        """Those with the report's id as their key."""
        return [record for record in self.records(topic) if record.key == str(report_id).encode()]

    def assignments(self, group: str) -> dict[str, set[int]]:
        """The partitions of each member, by its client id."""
        admin = self._admin()
        described = admin.describe_consumer_groups([group])[group].result(_SECONDS)
        return {
            member.client_id: {one.partition for one in member.assignment.topic_partitions}
            for member in described.members
        }

    def lag(self, topic: str, group: str) -> int:
        """How many messages the group has not yet committed."""
        return sum(self.lags(topic, group).values())

    def lags(self, topic: str, group: str) -> dict[int, int]:
        """How many messages of each partition the group has not yet committed, where there are any."""
        client = Consumer(self._consumer_settings(group))
        try:
            wanted = [TopicPartition(topic, number) for number in self.partitions(topic)]
            lags = {
                one.partition: end_of(client, topic, one.partition) - max(0, one.offset)
                for one in client.committed(wanted, timeout=_SECONDS)
            }
            return {partition: lag for partition, lag in lags.items() if lag}
        finally:
            client.close()

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def _consumer_settings(self, group: str) -> dict[str, str | int]:
        return {"bootstrap.servers": self.bootstrap, "group.id": group, "log_level": 0}

    def _producer_settings(self) -> dict[str, str | int]:
        most_bytes = {"message.max.bytes": _MOST_BYTES}
        return {"bootstrap.servers": self.bootstrap, "acks": "all", "log_level": 0, **most_bytes}

    @property
    def _producer(self) -> Producer:
        if not self._producers:
            self._producers.append(Producer(self._producer_settings()))
        return self._producers[0]


def end_of(client: Consumer, topic: str, partition: int) -> int:
    """The offset of the next message that is written to a partition, which is there.

    librdkafka at times does not know it (issue 1043 of confluent-kafka-python): then it is asked again.
    """
    asked, deadline = TopicPartition(topic, partition), time.monotonic() + _SECONDS
    while True:
        try:
            watermarks = client.get_watermark_offsets(asked, timeout=_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._UNKNOWN_PARTITION or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            assert watermarks is not None, "no answer of Kafka"
            return int(watermarks[1])


def _drain(client: Consumer, ends: dict[int, int]) -> Iterable[Record]:
    open_partitions = {number for number, end in ends.items() if end > 0}
    while open_partitions:
        message = client.poll(_SECONDS)
        assert message is not None, f"nothing came of partitions {open_partitions}"
        assert message.error() is None, message.error()
        record = _read(message)
        if record.offset < ends[record.partition]:
            yield record
        if record.offset >= ends[record.partition] - 1:
            open_partitions.discard(record.partition)


def _read(message: Message) -> Record:
    headers: Any = message.headers() or []
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return Record(message.value(), message.key(), tuple(headers), partition, offset)
