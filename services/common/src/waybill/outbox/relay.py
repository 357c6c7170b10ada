"""The relay: a thread in every process that writes the outbox, which publishes right after the commit."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from waybill.ledger import Changes, Transactions
from waybill.outbox.keys import PendingKeys, UnackedKeys
from waybill.outbox.publisher import Publisher
from waybill.store import OutboxMessage, StoreUnavailable, reason_of
from waybill.store.statements import outbox

log = structlog.get_logger(__name__)

_MAX_LOOKED_FOR = 10_000


@dataclass(frozen=True)
class RelayPolicy:
    """`batch`: the maximum of messages in one transaction. `sweep`: the time between two looks for messages
    of which no key is pending, since their process died or their turn failed; `left_after`: the age from
    which such messages are taken. `pause`: after a failure. `linger`: how long a relay that is busy waits for
    more keys, so that many are published in one transaction; one that was idle publishes at once."""

    batch: int = 500
    sweep: timedelta = timedelta(seconds=1)
    left_after: timedelta = timedelta(seconds=3)
    pause: timedelta = timedelta(seconds=1)
    linger: timedelta = timedelta(milliseconds=10)


class Relay:
    """Publishes the messages of pending keys, then those that others have left behind.

    A message is deleted only after the broker's acknowledgement, in the transaction that has held it since
    before it was sent: so it is published at least once, and in the order of its key, whichever processes
    work on the outbox at the same time.

    A publisher whose messages were not acknowledged is replaced: its client may not recover for long, as when
    Kafka has lost its data and the topics were recreated. What it has sent may still arrive, after the same
    messages of its successor; so the latest state of their keys is published again once they are through.
    """

    def __init__(
        self,
        transactions: Transactions,
        pending: PendingKeys,
        make_publisher: Callable[[], Publisher],
        policy: RelayPolicy | None = None,
    ) -> None:
        """`transactions` notify `pending` of what they commit."""
        self._transactions = transactions
        self._pending = pending
        self._make_publisher = make_publisher
        self._policy = policy or RelayPolicy()
        self._keys = UnackedKeys()
        self._sweep_at = 0.0
        self._busy_until = 0.0
        self._oldest_stuck = False
        self._got_through = False
        self._publisher: Publisher | None = None
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: timedelta) -> bool:
        """Publishes what is pending, then ends. False where that took longer than `timeout`."""
        self._pending.stop()
        self._thread.join(timeout.total_seconds())
        return not self._thread.is_alive()

    # --- the thread

    def _run(self) -> None:
        self._guarded(self._warm_up)
        while True:
            keys = self._take()
            stopping = self._pending.stopping
            done = self._guarded(partial(self._publish_pending, keys))
            if time.monotonic() >= self._sweep_at:  # also where it is pending keys that do not get through
                done = self._guarded(self._sweep) and done
            if stopping and not (done and self._pending):
                return
            if not done:
                self._pending.pause(self._policy.pause.total_seconds())

    def _take(self) -> list[str]:
        batch, linger = self._policy.batch, self._policy.linger.total_seconds()
        keys = self._pending.take(batch, self._sweep_at - time.monotonic())
        if keys and time.monotonic() < self._busy_until:
            self._pending.pause(linger)
            keys += self._pending.take(batch - len(keys), 0)
        return keys

    def _warm_up(self) -> None:
        self._publisher = self._make_publisher()
        self._publisher.warm_up()

    def _publish_pending(self, keys: Sequence[str]) -> None:
        """If that fails they are the first to be tried again; but not where others got through, which they
        would hold up: they are left to the sweep."""
        try:
            self._republish_reordered()
            if keys:
                self._publish(lambda connection: outbox.lock_of_keys(connection, keys))
                self._busy_until = time.monotonic() + 2 * self._policy.linger.total_seconds()
        except _SomeNotPublished:
            raise
        except Exception:
            self._pending.put_back(keys)
            raise

    def _sweep(self) -> None:
        """One batch of what is left: however many keys are pending, it has its turn. Where there is more, the
        next turn comes at once; after a failure, pending keys get as much time as the sweep took.

        Where the oldest do not get through and others do, every other turn takes any: a topic or a partition
        that is away holds up no other.
        """
        policy, began = self._policy, time.monotonic()
        lock = outbox.lock_any if self._oldest_stuck and self._got_through else outbox.lock_old
        self._oldest_stuck = self._got_through = False
        try:
            self._look_for_published()
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
            with self._transactions.changes() as changes:
                batch = lock(changes.connection)
                keys = {message.key for message in batch}
                unacked = self._send(changes, batch) if batch else set()
        except Exception:
            # The locks may have gone before the last message was sent, and another relay been faster.
            self._keys.in_doubt(keys)
            raise
        acked = keys - unacked
        self._got_through = self._got_through or bool(acked)
        self._keys.sent(acked, unacked)
        if unacked:
            raise _SomeNotPublished if acked else _NotPublished
        return len(batch)

    def _send(self, changes: Changes, batch: Sequence[OutboxMessage]) -> set[str]:
        """The keys of which not every message was acknowledged. All of theirs stay, so that no message
        overtakes another of its key."""
        self._publisher = self._publisher or self._make_publisher()
        outcome = self._publisher.publish(batch)
        for message in batch:
            if message.id in outcome.refused:
                reason = outcome.refused[message.id]
                log.error(
                    "message rejected by the broker: not sent again", reason=reason, topic=message.topic
                )
                changes.refuse(message, reason)
        unacked = {message.key for message in batch if message.id in outcome.failed}
        stay = {message.id for message in batch if message.key in unacked} - set(outcome.refused)
        outbox.remove(
            changes.connection, [one for one in (*outcome.acknowledged, *outcome.refused) if one not in stay]
        )
        if unacked:
            reason = next(iter(outcome.failed.values()))
            log.warning("messages not published; trying again", messages=len(stay), reason=reason)
            self._publisher = None
        return unacked

    def _look_for_published(self) -> None:
        """Another process may have published what this one could not; ours may still arrive, after theirs."""
        if self._keys.unacked:
            looked_for = sorted(self._keys.unacked)[:_MAX_LOOKED_FOR]
            with self._transactions.reading() as connection:
                self._keys.published(set(looked_for) - outbox.waiting(connection, looked_for))

    def _republish_reordered(self) -> None:
        if reordered := self._keys.take_reordered():
            with self._transactions.changes() as changes:
                changes.republish_latest(reordered)
            self._keys.republished()

    def _guarded(self, action: Callable[[], object]) -> bool:
        """Runs `action`; what goes wrong is logged, and tried again later."""
        try:
            action()
        except _NotPublished:
            return False
        except StoreUnavailable as error:
            log.warning(
                "messages not published: database unavailable; trying again",
                reason=reason_of(error.__cause__ or error),
            )
            return False
        except Exception:
            log.exception("relay failed; trying again")
            return False
        return True


class _NotPublished(Exception):  # noqa: N818
    """Messages stay in the outbox for the next try."""


class _SomeNotPublished(_NotPublished):
    """Others were published: a topic or a partition is away, and not Kafka."""
