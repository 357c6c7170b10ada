"""The relay: a thread in every process that writes the outbox, which publishes right after the commit."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol

from sqlalchemy import Connection, Engine

from waybill.outbox.publisher import Publisher
from waybill.store import OutboxMessage, is_unavailable
from waybill.store.statements import outbox

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RelayPolicy:
    """How the relay goes about it.

    `batch`: most messages in one transaction. `sweep`: how often it looks for messages that nobody tells it
    of, since their process has died or their turn went wrong, and `left_after`: from what age it takes them
    for left. `pause`: after a failure.
    """

    batch: int = 500
    sweep: timedelta = timedelta(seconds=1)
    left_after: timedelta = timedelta(seconds=3)
    pause: timedelta = timedelta(seconds=1)
    most_hints: int = 10_000


class Repair(Protocol):
    """What the relay asks for when publishing did not go as it should. `waybill.ledger.Upkeep` does it."""

    def tell_again(self, keys: list[str]) -> None:
        """Messages of `keys` may have been published after newer ones: tell the newest again."""

    def refused(self, connection: Connection, message: OutboxMessage, reason: str) -> None:
        """The broker will never take `message`, which is deleted in this transaction."""


class Relay:
    """Publishes what `announce` was told of, then what others have left behind.

    A message is deleted only after the broker's acknowledgement, in the transaction that has held it since
    before it was sent: so it is published at least once, and in the order of its key, whichever processes
    work on the outbox at the same time. What the relay was told is only a hint; the outbox is the truth.

    A publisher whose messages were not taken is replaced: its client may not recover for long, as when
    Kafka has lost its data and the topics were made anew. What it has sent may still arrive, after the same
    messages of its successor; so their keys are told again once they are through.
    """

    def __init__(
        self,
        engine: Engine,
        make_publisher: Callable[[], Publisher],
        policy: RelayPolicy | None = None,
    ) -> None:
        self._engine = engine
        self._make_publisher = make_publisher
        self._policy = policy or RelayPolicy()
        self._repair: Repair | None = None
        self._condition = threading.Condition()
        self._hints: dict[str, None] = {}
        self._sweep_at = 0.0
        self._oldest_stuck = False
        self._got_through = False
        self._unheard: set[str] = set()
        self._uncertain: set[str] = set()
        self._stopping = False
        self._publisher: Publisher | None = None
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self, repair: Repair) -> None:
        self._repair = repair
        self._thread.start()

    def announce(self, key: str) -> None:
        """Messages of `key` have been committed. Never blocks; any thread may call it."""
        with self._condition:
            if len(self._hints) < self._policy.most_hints:  # else the sweep finds them
                self._hints[key] = None
            self._condition.notify()

    def stop(self, timeout: timedelta) -> bool:
        """Publishes what it was told of so far, then ends. False where that took longer than `timeout`."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join(timeout.total_seconds())
        return not self._thread.is_alive()

    # --- the thread

    def _run(self) -> None:
        self._guarded(self._warm_up)
        while True:
            keys, stopping = self._next_hints()
            done = self._guarded(partial(self._follow, keys))
            if time.monotonic() >= self._sweep_at:  # also where it is hints that do not get through
                done = self._guarded(self._sweep) and done
            if stopping and not (done and self._hints):
                return
            if not done:
                self._rest()

    def _warm_up(self) -> None:
        self._publisher = self._make_publisher()
        self._publisher.warm_up()

    def _next_hints(self) -> tuple[list[str], bool]:
        """Waits for a hint, for the next sweep's time, or to stop."""
        with self._condition:
            if not self._hints and not self._stopping:
                self._condition.wait(max(0.0, self._sweep_at - time.monotonic()))
            keys = list(self._hints)[: self._policy.batch]
            for key in keys:
                del self._hints[key]
            return keys, self._stopping

    def _rest(self) -> None:
        """What is announced meanwhile waits with the others."""
        with self._condition:
            self._condition.wait_for(lambda: self._stopping, self._policy.pause.total_seconds())

    def _follow(self, keys: Sequence[str]) -> None:
        """Publishes what was hinted at. If that fails it is the first to be tried again; but not where others
        got through, which it would hold up: it is left to the sweep."""
        try:
            self._tell_again()
            if keys:
                self._publish(lambda connection: outbox.lock_of_keys(connection, keys))
        except _SomeNotPublished:
            raise
        except Exception:
            with self._condition:
                self._hints = dict.fromkeys(keys) | self._hints
            raise

    def _sweep(self) -> None:
        """One batch of what is left: however many hints there are, it has its turn. Where there is more, the
        next turn comes at once; after a failure, the hints get as much time as the sweep took.

        Where the oldest do not get through and others do, every other turn takes any: a topic or a partition
        that is away holds up no other.
        """
        policy, began = self._policy, time.monotonic()
        lock = outbox.lock_any if self._oldest_stuck and self._got_through else outbox.lock_old
        self._oldest_stuck = self._got_through = False
        try:
            self._look_for_heard()
            taken = self._publish(lambda connection: lock(connection, policy.left_after, policy.batch))
        except Exception:
            self._oldest_stuck = lock is outbox.lock_old
            self._sweep_at = time.monotonic() + (time.monotonic() - began)
            raise
        pause = policy.sweep.total_seconds() if taken < policy.batch else 0.0
        self._sweep_at = time.monotonic() + pause

    def _publish(self, lock: Callable[[Connection], list[OutboxMessage]]) -> int:
        """One transaction: lock, send, delete what was acknowledged. How many messages it took."""
        keys: set[str] = set()
        try:
            with self._engine.begin() as connection:
                batch = lock(connection)
                keys = {message.key for message in batch}
                unheard = self._send(connection, batch) if batch else set()
        except Exception:
            # The locks may have gone before the last message was sent, and another relay been quicker.
            self._uncertain |= keys
            raise
        heard = keys - unheard
        self._got_through = self._got_through or bool(heard)
        self._uncertain |= self._unheard & heard
        self._unheard = (self._unheard - heard) | unheard
        if unheard:
            raise _SomeNotPublished if heard else _NotPublished
        return len(batch)

    def _send(self, connection: Connection, batch: Sequence[OutboxMessage]) -> set[str]:
        """The keys of which not everything was taken. All of theirs stays, so that no message overtakes
        another of its key."""
        self._publisher = self._publisher or self._make_publisher()
        outcome = self._publisher.publish(batch)
        for message in batch:
            if self._repair and message.id in outcome.refused:
                log.error("the broker refuses a message for good: %s", outcome.refused[message.id])
                self._repair.refused(connection, message, outcome.refused[message.id])
        unheard = {message.key for message in batch if message.id in outcome.failed}
        stay = {message.id for message in batch if message.key in unheard} - set(outcome.refused)
        outbox.remove(
            connection, [one for one in (*outcome.acknowledged, *outcome.refused) if one not in stay]
        )
        if unheard:
            log.warning("%d messages wait for Kafka: %s", len(stay), next(iter(outcome.failed.values())))
            self._publisher = None
        return unheard

    def _look_for_heard(self) -> None:
        """Another process may have published what we could not; ours may still arrive, after theirs."""
        if self._unheard:
            asked = sorted(self._unheard)[: self._policy.most_hints]
            with self._engine.begin() as connection:
                heard = set(asked) - outbox.waiting(connection, asked)
            self._uncertain |= heard
            self._unheard -= heard

    def _tell_again(self) -> None:
        if self._uncertain and self._repair:
            self._repair.tell_again(sorted(self._uncertain))
            self._uncertain.clear()

    def _guarded(self, action: Callable[[], object]) -> bool:
        """Runs `action`; whatever goes wrong is logged, and tried again later."""
        try:
            action()
        except _NotPublished:
            return False
        except Exception as error:
            if is_unavailable(error):
                log.warning("the relay waits for the database: %s", str(error).partition("\n")[0])
            else:
                log.exception("the relay failed; it tries again")
            return False
        return True


class _NotPublished(Exception):  # noqa: N818
    """Messages stay in the outbox for the next try."""


class _SomeNotPublished(_NotPublished):
    """Others were published: a topic or a partition is away, and not Kafka."""
