"""The relay: a thread in every process that changes reports, which publishes right after the commit."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from waybill.ledger import Changes, Entry, Row, Transactions, publication_entry
from waybill.outbox.order import Order, Waiting
from waybill.outbox.pending import Pending
from waybill.outbox.publisher import Publisher
from waybill.outbox.unacked import UnackedKeys
from waybill.store import NotDirectly, OutboxMessage, Publication, StoreUnavailable, reason_of
from waybill.store.statements import outbox, publications

log = structlog.get_logger(__name__)

_MAX_LOOKED_FOR = 10_000
_LOOK_AGAIN_SECONDS = 0.02


@dataclass(frozen=True)
class RelayPolicy:
    """`batch`: about as many messages are published at once. `sweep`: the time between two looks for what is
    left, since its process died or its turn failed; `left_after`: the age from which it is. `pause`: after a
    failure. `linger`: how long a relay that is busy waits for more, so that many are published together; one
    that was idle publishes at once. `delete_after`: how long what was published stays in the tables for a
    change to take it along; before `left_after`."""

    batch: int = 500
    sweep: timedelta = timedelta(seconds=1)
    left_after: timedelta = timedelta(seconds=3)
    pause: timedelta = timedelta(seconds=1)
    linger: timedelta = timedelta(milliseconds=10)
    delete_after: timedelta = timedelta(milliseconds=10)


@dataclass
class _Sent:
    """The outcome of some entries. `rows`: those that are done with. `unacked`: the keys of which not every
    message was acknowledged: all of theirs stay, so that none overtakes another."""

    rows: list[Row] = field(default_factory=list)
    refused: list[tuple[OutboxMessage, str]] = field(default_factory=list)
    unacked: set[str] = field(default_factory=set)


class Relay:
    """Publishes what this process has committed, from memory, and then what others have left in the tables.

    A row is deleted only after the broker's acknowledgement: so what it stands for is published at least
    once. And the events of a report are published in their order, whichever processes change it: of what it
    has just committed, a process publishes only that before which nothing of the same report waits; what is
    older, any process that finds it locks and publishes, with all of the same report. A process that was too
    slow to know that no other has done so meanwhile publishes the report's latest event once more.

    A publisher whose messages were not acknowledged is replaced: its client may not recover for long, as when
    Kafka has lost its data and the topics were recreated. What it has sent may still arrive, after the same
    messages of its successor; so the latest event of their reports is published again once they are through.
    """

    def __init__(
        self,
        transactions: Transactions,
        pending: Pending,
        make_publisher: Callable[[], Publisher],
        policy: RelayPolicy | None = None,
    ) -> None:
        """`transactions` hand over to `pending` what they commit."""
        self._transactions = transactions
        self._pending = pending
        self._make_publisher = make_publisher
        self._policy = policy = policy or RelayPolicy()
        # Others take a row after `left_after`: half of it to be sent in, and some more to be acknowledged in.
        self._order = Order(policy.left_after.total_seconds() * 0.5)
        self._sure_for = policy.left_after.total_seconds() * 0.8
        self._keys = UnackedKeys()
        self._sweep_at = 0.0
        self._busy_until = 0.0
        self._delete_by: float | None = None
        self._oldest_stuck = False
        self._got_through = False
        self._failed = False
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
            self._take()
            stopping = self._pending.stopping
            done = self._guarded(self._publish_ready)
            if self._delete_by is not None and (stopping or time.monotonic() >= self._delete_by):
                done = self._guarded(self._settle) and done
            if time.monotonic() >= self._sweep_at:  # also where what is ready does not get through
                done = self._guarded(self._sweep) and done
            if stopping and not (done and self._pending):
                return
            if not done:
                self._pending.pause(self._policy.pause.total_seconds())

    def _take(self) -> None:
        """What was committed, into its order; waits for it, until there is something else to do."""
        next_at = min(self._sweep_at, self._delete_by or self._sweep_at)
        committed = self._pending.take(next_at - time.monotonic())
        if committed and time.monotonic() < self._busy_until:
            self._pending.pause(self._policy.linger.total_seconds())
            committed += self._pending.take(0)
        for one in committed:
            self._order.add(one)
        self._order.deleted(self._pending.take_deleted())
        self._look_for(self._order.held_up)

    def _look_for(self, keys: Collection[str]) -> None:
        """With the next change, or, where none comes, soon."""
        self._pending.look_for(tuple(keys))
        if keys:
            self._settle_by(_LOOK_AGAIN_SECONDS)

    def _settle_by(self, seconds: float) -> None:
        by = time.monotonic() + seconds
        self._delete_by = min(by, self._delete_by or by)

    def _settle(self) -> None:
        """Deletes what was published, and looks for what holds up others, where no change took that along."""
        if self._pending.to_settle:
            try:
                with self._transactions.direct_changes(briefly=False):
                    pass
            except NotDirectly:
                with self._transactions.changes():
                    pass
        self._delete_by = None

    def _warm_up(self) -> None:
        self._publisher = self._make_publisher()
        self._publisher.warm_up()

    def _publish_ready(self) -> None:
        """If that fails, it is left to the sweep."""
        self._republish_reordered()
        ready = self._order.take_ready()
        try:
            while ready:
                batch, ready = ready[: self._policy.batch], ready[self._policy.batch :]
                self._publish_from_memory(batch)
        finally:
            self._order.not_published(one.entry.row for one in ready)

    def _publish_from_memory(self, ready: Sequence[Waiting]) -> None:
        entries = [one.entry for one in ready if one.entry.key not in self._keys.unacked]
        sent = _Sent()
        try:
            sent = self._send(entries)
            if sent.refused:
                with self._transactions.changes() as changes:
                    _refuse(changes, sent)
        except Exception:
            self._keys.in_doubt({entry.key for entry in entries})
            raise
        finally:
            done = set(sent.rows)
            self._order.not_published(one.entry.row for one in ready if one.entry.row not in done)
        late = time.monotonic() - self._sure_for
        self._keys.in_doubt({one.entry.key for one in ready if one.since < late and one.entry.row in done})
        if not self._pending.to_settle:
            self._delete_by = None  # a change has taken along what was published before
        self._pending.published(sent.rows)
        self._settle_by(self._policy.delete_after.total_seconds())
        self._busy_until = time.monotonic() + 2 * self._policy.linger.total_seconds()
        self._note(sent, entries)

    def _sweep(self) -> None:
        """One batch of what is left: however much there is to publish, it has its turn. Where there is more,
        the next turn comes at once; after a failure, what is ready gets as much time as the sweep took.

        Where the oldest do not get through and others do, every other turn takes any: a topic or a partition
        that is away holds up no other.
        """
        policy, began = self._policy, time.monotonic()
        anyone = self._oldest_stuck and self._got_through
        self._oldest_stuck = self._got_through = False
        try:
            self._look_for_published()
            taken = self._publish_left(anyone)
            self._look_again()
        except Exception:
            self._oldest_stuck = not anyone
            self._sweep_at = time.monotonic() + (time.monotonic() - began)
            raise
        pause = policy.sweep.total_seconds() if taken < policy.batch else 0.0
        self._sweep_at = time.monotonic() + pause

    def _publish_left(self, anyone: bool) -> int:
        """One transaction: lock, send, delete what was acknowledged. How many rows it took."""
        if not self._transactions.has_waited(self._policy.left_after):
            return 0
        keys: set[str] = set()
        try:
            with self._transactions.changes() as changes:
                entries = self._lock(changes.connection, anyone)
                keys = {entry.key for entry in entries}
                sent = self._send(entries) if entries else _Sent()
                _refuse(changes, sent)
                _remove(changes.connection, sent.rows)
        except Exception:
            # The locks may have gone before the last message was sent, and another relay been faster.
            self._keys.in_doubt(keys)
            raise
        self._note(sent, entries)
        return len(entries)

    def _lock(self, connection: Connection, anyone: bool) -> list[Entry]:
        age, limit = self._policy.left_after, self._policy.batch
        messages = (outbox.lock_any if anyone else outbox.lock_old)(connection, age, limit)
        left = (publications.lock_any if anyone else publications.lock_old)(connection, age, limit)
        topics = self._transactions.topics
        return [
            *(Entry(row, message.key, [message]) for row, message in messages.items()),
            *(publication_entry(topics, one.row, one.kind, one.carrier, one.events) for one in left),
        ]

    def _send(self, entries: Sequence[Entry]) -> _Sent:
        self._publisher = self._publisher or self._make_publisher()
        messages = [message for entry in entries for message in entry.messages]
        outcome = self._publisher.publish(messages)
        sent = _Sent([], [(messages[place], reason) for place, reason in outcome.refused.items()])
        sent.unacked = {messages[place].key for place in outcome.failed}
        sent.rows = [entry.row for entry in entries if entry.key not in sent.unacked]
        for message, reason in sent.refused:
            log.error("message rejected by the broker: not sent again", reason=reason, topic=message.topic)
        if sent.unacked:
            stay = sum(message.key in sent.unacked for message in messages)
            reason = next(iter(outcome.failed.values()))
            log.warning("messages not published; trying again", messages=stay, reason=reason)
            self._publisher = None
            self._failed = True
        return sent

    def _note(self, sent: _Sent, entries: Sequence[Entry]) -> None:
        acked = {entry.key for entry in entries} - sent.unacked
        self._got_through = self._got_through or bool(acked)
        self._keys.sent(acked, sent.unacked)
        if sent.unacked:
            raise _NotPublished

    def _look_for_published(self) -> None:
        """Another process may have published what this one could not; ours may still arrive, after theirs."""
        if self._keys.unacked:
            looked_for = sorted(self._keys.unacked)[:_MAX_LOOKED_FOR]
            with self._transactions.reading() as connection:
                waiting = outbox.waiting(connection, looked_for) | publications.waiting(
                    connection, looked_for
                )
            self._keys.published(set(looked_for) - waiting)

    def _look_again(self) -> None:
        """Where another has published what this process could not, nothing else shows that Kafka is back."""
        if self._failed and not self._keys.unacked:
            self._publisher = self._publisher or self._make_publisher()
            self._failed = not self._publisher.look_again()

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


def _refuse(changes: Changes, sent: _Sent) -> None:
    for message, reason in sent.refused:
        changes.refuse(message, reason)


def _remove(connection: Connection, rows: Sequence[Row]) -> None:
    """What was locked in the same transaction."""
    if left := [row for row in rows if isinstance(row, Publication)]:
        publications.remove(connection, left)
    if ids := [row for row in rows if isinstance(row, int)]:
        outbox.remove(connection, ids)
