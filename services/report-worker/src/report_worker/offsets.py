"""Up to where the messages of a partition are done with, though they are done with in any order."""

from collections import deque
from dataclasses import dataclass

from confluent_kafka import Message


@dataclass(eq=False)
class Place:
    """Of one message among those that were read of its partition."""

    message: Message
    is_done: bool = False


class DoneOffsets:
    """Of one partition, from its assignment to its revocation. One thread at a time uses it."""

    def __init__(self) -> None:
        self._open: deque[Place] = deque()
        self._last: Message | None = None

    def read(self, message: Message) -> Place:
        """A message that was just read. It is done with by `done` alone."""
        place = Place(message)
        self._open.append(place)
        return place

    def done(self, place: Place) -> None:
        """A restart need not read the message again."""
        place.is_done = True
        while self._open and self._open[0].is_done:
            self._last = self._open.popleft().message

    def take(self) -> Message | None:
        """The last message that is done with together with all before it, for its offset to be stored. None
        where there is no other than the last time."""
        last, self._last = self._last, None
        return last
