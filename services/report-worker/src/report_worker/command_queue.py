"""Commands between the consumer thread, which reads them, and the runners, which claim their reports."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from confluent_kafka import Message

from report_worker.isolation import Isolation
from report_worker.offsets import DoneOffsets
from report_worker.read_ahead import ReadAhead, ReadCommand, partition_of


class CommandQueue:
    """Knows which command may be taken when, and up to where each partition is done with. Any thread may call
    it; only `take` and `wait_until_idle` block.

    A runner that has taken a command says what became of it, once: `done`, `put_back`, `make_room`, or
    `started`, and after that `ended`. A command of a partition that was revoked meanwhile is dropped.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._ahead = ReadAhead()
        self._offsets: dict[int, DoneOffsets] = {}
        self._isolation = Isolation(lambda: self._busy == 0, clock)
        self._room_for: ReadCommand | None = None
        self._first: ReadCommand | None = None
        """Before all that were read ahead: the one that room is made for."""
        self._busy = 0
        self._number = 0
        self._try_at = 0.0
        self._stopped = False

    # --- by the consumer thread

    def add(self, messages: Sequence[Message]) -> None:
        """They were just read, in this order."""
        with self._changed:
            for message in messages:
                partition = partition_of(message)
                offsets = self._offsets.setdefault(partition, DoneOffsets())
                self._number += 1
                command = ReadCommand(message, partition, self._number, offsets, offsets.read(message))
                self._ahead.add(command)
            self._changed.notify(len(messages))

    def full(self) -> set[int]:
        """The partitions that are to be paused now, and no others."""
        with self._changed:
            return set(self._ahead.full)

    def done_with(self) -> list[Message]:
        """Of each partition that is done with further than the last time: the message up to which it is."""
        with self._changed:
            taken = (offsets.take() for offsets in self._offsets.values())
            return [message for message in taken if message is not None]

    def drop(self, partitions: Collection[int]) -> None:
        """They are another worker's now."""
        with self._changed:
            self._drop(partitions)

    def clear(self) -> None:
        """As `drop`, of every partition."""
        with self._changed:
            self._drop(list(self._offsets))

    # --- by the runners

    def take(self, seconds: float = 0.0, is_ready: Callable[[], bool] = lambda: True) -> ReadCommand | None:
        """The next one, as soon as one may be taken; None where that is not within the time, or the taker is
        not ready for one then."""
        until = self._clock() + seconds
        with self._changed:
            while is_ready():
                if (command := self._take()) is not None:
                    return command
                left = until - self._clock()
                if left <= 0 or self._stopped:
                    return None
                pause = self._try_at - self._clock()
                self._changed.wait(min(left, pause) if pause > 0 else left)
            return None

    def done(self, command: ReadCommand) -> None:
        """No report of it runs here, and a restart need not read it again."""
        with self._changed:
            self._done(command)
            self._released()

    def started(self, command: ReadCommand, *, alone: bool) -> None:
        """As `done`, but its report runs now; `alone`: nothing is taken until it has ended."""
        with self._changed:
            self._done(command)
            if command.alone:
                self._isolation.started(alone=alone)
                self._changed.notify_all()

    def ended(self) -> None:
        """A report that had `started` runs no more."""
        with self._changed:
            self._released()

    def put_back(self, command: ReadCommand, pause: float = 0.0) -> None:
        """It is not done with. `pause`: seconds in which nothing is taken."""
        with self._changed:
            self._try_at = max(self._try_at, self._clock() + pause)
            self._return(command)
            self._released()
            self._changed.notify()

    def make_room(self, command: ReadCommand, waited: timedelta) -> bool:
        """For a report that must run alone and has waited for so long: its command is put back, and taken
        again once nothing runs, or after a time. False where that time is over: it was not enough. Then the
        command is still the caller's, and to be `done` with."""
        with self._changed:
            if self._room_for is command:
                self._give_up_room()
                return False
            if self._room_for is None and self._is_ours(command):
                self._isolation.make_room(waited)
                self._room_for = command
            self._return(command)
            self._released()
            return True

    # --- by a worker that stops

    def stop(self) -> None:
        """Nothing is taken any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def busy(self) -> int:
        """How many commands are taken and reports run."""
        return self._busy

    def wait_until_idle(self, limit: timedelta) -> bool:
        """Whether no report runs, and no claim is under way, at once or within the time. After `stop`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._busy == 0, limit.total_seconds())

    def _take(self) -> ReadCommand | None:
        if self._stopped or self._clock() < self._try_at or self._isolation.is_closed():
            return None
        if self._first is not None:
            command, self._first = self._first, None
        elif self._ahead:
            command = self._ahead.take()
        else:
            return None
        command.alone = command is self._room_for and self._busy == 0
        if command.alone:
            self._isolation.try_alone()
        self._busy += 1
        return command

    def _is_ours(self, command: ReadCommand) -> bool:
        """Whether its partition still is, and was not revoked in between."""
        return self._offsets.get(command.partition) is command.offsets

    def _done(self, command: ReadCommand) -> None:
        command.offsets.done(command.place)
        if command is self._room_for:  # also if it needs it no more: its report may have ended meanwhile
            self._give_up_room()

    def _return(self, command: ReadCommand) -> None:
        if not self._is_ours(command):
            return
        if command is self._room_for:
            self._first = command
        else:
            self._ahead.put_back(command)

    def _released(self) -> None:
        """Wakes runners only if there is something new for them: with many slots, many of them wait."""
        is_awaited = self._stopped or self._isolation.is_closed()
        self._busy -= 1
        if is_awaited:
            self._changed.notify_all()

    def _give_up_room(self) -> None:
        self._isolation.give_up_room()
        self._room_for = None

    def _drop(self, partitions: Collection[int]) -> None:
        self._give_up_room()
        self._ahead.drop(partitions)
        for partition in partitions:
            self._offsets.pop(partition, None)
        if self._first is not None:
            first, self._first = self._first, None
            self._return(first)
        self._changed.notify_all()
