"""The relay: a thread in every process that writes the outbox, which publishes right after the commit."""

import logging
import threading
from collections.abc import Callable, Collection
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

    `batch`: most messages in one transaction. `sweep`: how often it looks for messages that another process
    left, and `left_after`: from what age it takes them for left. `pause`: after a failure.
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
    Kafka has lost its data and the topics were made anew.
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
        self._publisher = self._make_publisher()
        self._guarded(self._publisher.warm_up)
        while True:
            keys, stopping = self._next_hints()
            work = partial(self._publish_hinted, keys) if keys else self._sweep
            done = self._guarded(self._tell_again) and self._guarded(work)
            if stopping and not (done and self._hints):
                return
            if not done:
                self._rest()

    def _next_hints(self) -> tuple[list[str], bool]:
        """Waits for a hint, for the next sweep's time, or to stop."""
        with self._condition:
            if not self._hints and not self._stopping:
                self._condition.wait(self._policy.sweep.total_seconds())
            keys = list(self._hints)[: self._policy.batch]
            for key in keys:
                del self._hints[key]
            return keys, self._stopping

    def _rest(self) -> None:
        with self._condition:
            if not self._stopping:
                self._condition.wait(self._policy.pause.total_seconds())

    def _publish_hinted(self, keys: list[str]) -> None:
        self._publish(lambda connection: outbox.lock_of_keys(connection, keys))

    def _sweep(self) -> None:
        policy = self._policy
        taken = policy.batch
        while taken == policy.batch and not self._hints:
            taken = self._publish(
                lambda connection: outbox.lock_old(connection, policy.left_after, policy.batch)
            )

    def _publish(self, lock: Callable[[Connection], list[OutboxMessage]]) -> int:
        """One transaction: lock, send, delete what was acknowledged. How many messages it took."""
        sent: Collection[str] = ()
        try:
            with self._engine.begin() as connection:
                batch = lock(connection)
                sent = {message.key for message in batch}
                if batch:
                    self._send(connection, batch)
        except _NotPublished:
            raise
        except Exception:
            # The locks may have gone before the last message was sent, and another relay been quicker.
            self._uncertain.update(sent)
            raise
        return len(batch)

    def _send(self, connection: Connection, batch: list[OutboxMessage]) -> None:
        self._publisher = self._publisher or self._make_publisher()
        outcome = self._publisher.publish(batch)
        for message in batch:
            if self._repair and message.id in outcome.refused:
                log.error("the broker refuses a message for good: %s", outcome.refused[message.id])
                self._repair.refused(connection, message, outcome.refused[message.id])
        outbox.remove(connection, [*outcome.acknowledged, *outcome.refused])
        if outcome.failed:
            reason = next(iter(outcome.failed.values()))
            log.warning("%d messages wait for Kafka: %s", len(outcome.failed), reason)
            self._publisher = None
            raise _NotPublished  # the whole batch again, so that none overtakes another of its key

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
