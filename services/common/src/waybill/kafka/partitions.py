"""Whether a client still reads its partitions."""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from confluent_kafka import KafkaException, TopicPartition

from waybill.background import in_background
from waybill.kafka.clients import KafkaConfig, consumer

_SILENT_SECONDS = 20.0
_ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class Offsets:
    """Of a partition: its `end`, and what the group has `committed`; negative where that is nothing."""

    end: int
    committed: int


Ask = Callable[[Collection[int]], Mapping[int, Offsets]]


def ask_kafka(config: KafkaConfig, topic: str, group: str) -> Ask:
    """With a client of its own: an answer to the consumer would wait behind its long polls. Each call blocks
    for a few seconds at most, and raises `KafkaException`.

    Not an admin client: one that goes away before its last answer, as where Kafka is away, may end the
    process by a segmentation fault.
    """

    def ask(numbers: Collection[int]) -> Mapping[int, Offsets]:
        client = consumer(config, group)
        try:
            partitions = [TopicPartition(topic, number) for number in numbers]
            committed = client.committed(partitions, timeout=_ANSWER_SECONDS)
            return {
                one.partition: Offsets(
                    client.get_watermark_offsets(one, timeout=_ANSWER_SECONDS, cached=False)[1], one.offset
                )
                for one in committed
            }
        finally:
            client.close()

    return ask


class PartitionWatchdog:
    """Asks Kafka, of a partition from which nothing came for a while, whether there is something to read.

    librdkafka may lose the resumption of a partition that is assigned or revoked meanwhile (its issue 5591):
    no error, no event, and no process reads the partition. One thread uses it, and it never blocks.
    """

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        """`ask` is called in a thread of its own."""
        self._ask = ask
        self._clock = clock
        self._next: dict[int, int | None] = {}
        self._look_at: dict[int, float] = {}
        self._asked: Future[Mapping[int, Offsets]] | None = None
        self._behind: dict[int, int] = {}
        self._named: dict[int, int] = {}

    def assigned(self, partitions: Collection[int]) -> None:
        """They are this client's."""
        for partition in partitions:
            self._next[partition] = None
            self._noted(partition)

    def revoked(self, partitions: Collection[int]) -> None:
        """They are no more."""
        for partition in partitions:
            for known in (self._next, self._look_at, self._behind):
                known.pop(partition, None)

    def forget(self) -> None:
        """None of them is: the client is replaced."""
        self.revoked(list(self._next))

    def received(self, partition: int, offset: int) -> None:
        """A message was read."""
        self._next[partition] = offset + 1
        self._noted(partition)

    def stuck(self, paused: Collection[int]) -> int | None:
        """A partition that has had messages at two looks in a row, and from which none came. `paused`: those
        that are not to be read now.

        A partition's end may be beyond its last message, as after a transaction: none is named twice for the
        same end.
        """
        if self._asked is None:
            self._look(paused)
        elif self._asked.done():
            asked, self._asked = self._asked, None
            try:
                offsets = asked.result()
            except KafkaException:
                return None
            return next((one for one in offsets if self._is_stuck(one, offsets[one], paused)), None)
        return None

    def _look(self, paused: Collection[int]) -> None:
        now = self._clock()
        silent = [one for one, look_at in self._look_at.items() if now >= look_at and one not in paused]
        if silent:
            self._look_at |= dict.fromkeys(silent, now + _SILENT_SECONDS)
            with suppress(RuntimeError):  # no more threads: the next look tries again
                self._asked = in_background(lambda: self._ask(silent))

    def _is_stuck(self, partition: int, offsets: Offsets, paused: Collection[int]) -> bool:
        if partition not in self._next or partition in paused:
            return False
        known = self._next[partition]
        is_read = offsets.end <= (max(0, offsets.committed) if known is None else known)
        if is_read or self._named.get(partition) == offsets.end:
            self._behind.pop(partition, None)
            return False
        if partition not in self._behind:
            self._behind[partition] = offsets.end
            return False
        self._named[partition] = offsets.end
        return True

    def _noted(self, partition: int) -> None:
        self._look_at[partition] = self._clock() + _SILENT_SECONDS
        self._behind.pop(partition, None)
