"""Commands that were read, and wait for a slot."""

from collections import deque
from collections.abc import Collection

from confluent_kafka import Message

_MOST_MESSAGES = 100
_MOST_BYTES = 1024 * 1024


class ReadAhead:
    """Some commands of each partition, so that a slot which gets free need not wait for Kafka.

    They are taken partition by partition, so that none waits for another that always has more; those of one
    partition in their order. A partition that has enough is to be paused until half of it is taken: each
    pause has Kafka send again what the client had fetched beyond it. One thread uses it.
    """

    def __init__(self, most_messages: int = _MOST_MESSAGES, most_bytes: int = _MOST_BYTES) -> None:
        """Both of one partition; a message that is larger than `most_bytes` is enough by itself."""
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._waiting: dict[int, deque[Message]] = {}
        self._bytes: dict[int, int] = {}
        self._full: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def full(self) -> Collection[int]:
        """The partitions that are to be paused now, and no others."""
        return self._full

    def add(self, message: Message) -> None:
        """A command that was just read."""
        self._put(message, at_the_end=True)

    def take(self) -> Message:
        """The next one, of the partition whose turn it is."""
        partition, waiting = next(iter(self._waiting.items()))
        message = waiting.popleft()
        del self._waiting[partition]
        if waiting:
            self._waiting[partition] = waiting  # it is the last one's turn now
        self._count(partition, -_size(message))
        return message

    def put_back(self, message: Message, *, is_next: bool) -> None:
        """A command that was taken and is not done with. Of its partition it is the next one; `is_next`: of
        all."""
        partition = self._put(message, at_the_end=False)
        if is_next:
            self._waiting = {partition: self._waiting.pop(partition), **self._waiting}

    def drop(self, partitions: Collection[int]) -> None:
        """Those of partitions that are another worker's now."""
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._bytes.pop(partition, None)
            self._full.discard(partition)

    def clear(self) -> None:
        self.drop(list(self._bytes))

    def _put(self, message: Message, *, at_the_end: bool) -> int:
        partition = partition_of(message)
        waiting = self._waiting.setdefault(partition, deque())
        (waiting.append if at_the_end else waiting.appendleft)(message)
        self._count(partition, _size(message))
        return partition

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


def _size(message: Message) -> int:
    return len(message.value() or b"") + len(message.key() or b"")
