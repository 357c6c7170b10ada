"""Commands that were read, and wait for a slot."""

import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from confluent_kafka import Message

from report_worker.offsets import DoneOffsets, Place

_MOST_MESSAGES = 100
_MOST_BYTES = 1024 * 1024


@dataclass(eq=False)
class ReadCommand:
    """A message, with what is known of it since. `number`: in the order of reading."""

    message: Message
    partition: int
    number: int
    offsets: DoneOffsets
    place: Place
    read_at: int = field(default_factory=time.time_ns)
    """In nanoseconds since 1970."""
    tries: int = 0
    """That have failed."""
    alone: bool = False
    """No other report runs in this worker, nor will before this one has ended."""

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.message.value() or b"") + len(self.message.key() or b"")


class ReadAhead:
    """Some commands of each partition, so that a slot which gets free need not wait for Kafka.

    They are taken partition by partition, so that none waits for another that always has more; those of one
    partition in their order. A partition that has enough is to be paused until half of it is taken: each
    pause has Kafka send again what the client had fetched beyond it. One thread at a time uses it.
    """

    def __init__(self, most_messages: int = _MOST_MESSAGES, most_bytes: int = _MOST_BYTES) -> None:
        """Both of one partition; a message that is larger than `most_bytes` is enough by itself."""
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._waiting: dict[int, deque[ReadCommand]] = {}
        self._bytes: dict[int, int] = {}
        self._full: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def full(self) -> Collection[int]:
        """The partitions that are to be paused now, and no others."""
        return self._full

    def add(self, command: ReadCommand) -> None:
        """One that was just read."""
        self._waiting.setdefault(command.partition, deque()).append(command)
        self._count(command.partition, command.size)

    def take(self) -> ReadCommand:
        """The next one, of the partition whose turn it is."""
        partition, waiting = next(iter(self._waiting.items()))
        command = waiting.popleft()
        del self._waiting[partition]
        if waiting:
            self._waiting[partition] = waiting  # it is the last one's turn now
        self._count(partition, -command.size)
        return command

    def put_back(self, command: ReadCommand) -> None:
        """One that was taken and is not done with: of its partition it comes before those that were read
        after it."""
        waiting = self._waiting.setdefault(command.partition, deque())
        place = next((at for at, one in enumerate(waiting) if one.number > command.number), len(waiting))
        waiting.insert(place, command)
        self._count(command.partition, command.size)

    def drop(self, partitions: Collection[int]) -> None:
        """Those of partitions that are another worker's now."""
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._bytes.pop(partition, None)
            self._full.discard(partition)

    def _count(self, partition: int, more: int) -> None:
        self._bytes[partition] = size = self._bytes.get(partition, 0) + more
        count = len(self._waiting.get(partition, ()))
        if count >= self._most_messages or size >= self._most_bytes:
            self._full.add(partition)
        elif count <= self._most_messages // 2 and size <= self._most_bytes // 2:
            self._full.discard(partition)


def partition_of(message: Message) -> int:
    """Of a message that was read."""
    partition = message.partition()
    if partition is None:
        raise AssertionError("a message that was read has a partition")
    return partition
