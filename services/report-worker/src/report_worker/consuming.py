"""The consumer loop: the one thread that touches the Consumer."""

import threading
import time
from collections.abc import Callable
from threading import Event
from typing import Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from report_worker.intake import Claimed, Intake, NeedsIdleWorker
from report_worker.isolation import Isolation
from report_worker.read_ahead import ReadAhead, partition_of
from waybill.domain import lifecycle
from waybill.kafka import BrokerWatchdog, KafkaHealth, PartitionWatchdog, reason_of
from waybill.store import StoreUnavailable

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.1
_PAUSE_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 15.0
_CLOSE_SECONDS = 5.0
_MAX_TRIES = 5
_READ_AT_ONCE = 100
"""Messages, before a slot is asked for again."""


class Slots(Protocol):
    """What the consumer needs of the slots."""

    def wait_for_free(self, seconds: float) -> bool:
        """Whether a slot is free, at once or within the time."""


class CommandConsumer:
    """Processes a command whenever a slot is free, and keeps polling while none is.

    Some commands of each partition are read ahead, so that a slot which gets free need not wait for Kafka;
    while a partition has enough of them it is paused. An offset is stored for commit after the claim, not
    after the job. So a slow job never disturbs the group, and the group's lag is the number of commands not
    yet claimed.
    """

    def __init__(
        self,
        make_client: Callable[[BrokerWatchdog], Consumer],
        is_reachable: Callable[[], bool],
        topic: str,
        health: KafkaHealth,
        reading: PartitionWatchdog,
        intake: Intake,
        slots: Slots,
        is_idle: Callable[[], bool],
        start: Callable[[Claimed], bool],
    ) -> None:
        """`is_reachable`: whether Kafka answers a new client now; it may block for a few seconds. `health`
        gets the client's errors. `is_idle`: no report runs in this worker. `start`: False where it could
        not, and the report was released."""
        self._make_client = make_client
        self._is_reachable = is_reachable
        self._client: Consumer
        self._topic = topic
        self._health = health
        self._intake = intake
        self._slots = slots
        self._start = start
        self._isolation = Isolation(is_idle)
        self._ahead = ReadAhead()
        self._reading = reading
        self._tries: dict[tuple[int | None, int | None], int] = {}
        self._try_at = 0.0
        self._failures = 0
        self._paused: set[int] = set()
        self.last_poll = time.monotonic()
        """When the loop last polled, on the monotonic clock."""

    def run(self, stopping: Event) -> None:
        """Until `stopping`; then leaves the group, with its offsets committed. A client that failed, as when
        Kafka lost its data, is replaced; so is one that is stuck."""
        while not stopping.is_set():
            watchdog = BrokerWatchdog(self._is_reachable)
            self._client = self._make_client(watchdog)
            self._paused = set()
            self._client.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked)
            try:
                while not stopping.is_set() and not self._is_stuck(watchdog):
                    self._turn()
            except KafkaException as error:
                log.warning("consumer recreated", reason=reason_of(error))
                self._health.failed(error.args[0])
                stopping.wait(min(_PAUSE_SECONDS * 2**self._failures, _MAX_PAUSE_SECONDS))
                self._failures += 1
            finally:
                self._ahead.clear()
                self._reading.forget()
                self._tries.clear()
                self._isolation.give_up_room()
                self._close()

    def _close(self) -> None:
        """Commits and leaves the group; for a few seconds at most, since reports are to be released even
        while Kafka is away."""
        closing = threading.Thread(target=self._client.close, name="consumer-close", daemon=True)
        try:
            closing.start()
        except RuntimeError:  # no more threads
            self._client.close()
            return
        closing.join(_CLOSE_SECONDS)
        if closing.is_alive():
            log.warning("consumer did not leave the group in time")

    def _is_stuck(self, watchdog: BrokerWatchdog) -> bool:
        if watchdog.client_is_stuck():
            log.warning("consumer recreated: no broker response, though others get one")
            return True
        partition = self._reading.stuck(self._paused)
        if partition is not None:
            log.warning("consumer recreated: a partition has messages, and none came", partition=partition)
        return partition is not None

    def _turn(self) -> None:
        self._pause()
        self._read()
        self.last_poll = time.monotonic()
        if self._ahead and self._may_process():
            message = self._ahead.take()
            if not self._process(message):
                self._ahead.put_back(message, is_next=self._isolation.making_room)

    def _read(self) -> None:
        """What the client has fetched already; where nothing waits for a slot, what comes within a moment."""
        for number in range(_READ_AT_ONCE):
            message = self._client.poll(0 if self._ahead or number else _POLL_SECONDS)
            if message is None:
                return
            self._received(message)

    def _may_process(self) -> bool:
        """Waits for a slot, and until the database is tried again, but never long: the loop has to poll."""
        pause = self._try_at - time.monotonic()
        if pause > 0 or self._isolation.is_closed():
            time.sleep(min(pause, _POLL_SECONDS) if pause > 0 else _POLL_SECONDS)
            return False
        return self._slots.wait_for_free(_POLL_SECONDS)

    def _received(self, message: Message) -> None:
        error = message.error()
        if error is None:
            self._ahead.add(message)
            self._reading.received(partition_of(message), message.offset() or 0)
        elif error.fatal() or error.code() == KafkaError._FATAL:  # as when Kafka has lost the group
            raise KafkaException(error)
        elif error.code() != KafkaError._PARTITION_EOF:
            self._health.failed(error)

    def _process(self, message: Message) -> bool:
        """Whether the message is done with."""
        try:
            taken = self._take(message)
        except StoreUnavailable as error:
            log.warning("command not processed: database unavailable; trying again in 1 s", reason=str(error))
            self._try_at = time.monotonic() + _PAUSE_SECONDS
            return False
        except Exception as error:
            return self._failed(message, error)
        if isinstance(taken, NeedsIdleWorker):
            return False
        self._done(message)
        if taken is not None:
            self._begin(taken)
        return True

    def _begin(self, taken: Claimed) -> None:
        self._isolation.started(alone=lifecycle.must_run_alone(taken.report))
        if not self._start(taken):
            self._try_at = time.monotonic() + _PAUSE_SECONDS

    def _take(self, message: Message) -> Claimed | NeedsIdleWorker | None:
        """What the intake makes of it; a report for which room cannot be made is postponed. Raises as the
        intake."""
        taken = self._intake.process(message, alone=self._isolation.is_idle)
        if isinstance(taken, NeedsIdleWorker) and not self._isolation.make_room(taken.waited):
            self._intake.postpone(taken)
            return None
        return taken

    def _failed(self, message: Message, error: Exception) -> bool:
        """The database is not to blame: the message may never be processed. After some tries it becomes a
        dead letter; until then it holds up its own partition alone."""
        position = _position(message)
        tries = self._tries[position] = self._tries.get(position, 0) + 1
        log.error("command not processed; trying again in 1 s", tries=tries, exc_info=error)
        self._try_at = time.monotonic() + _PAUSE_SECONDS
        if tries < _MAX_TRIES:
            return False
        try:
            self._intake.give_up(message, error)
        except StoreUnavailable as unavailable:
            log.warning(
                "command not kept as a dead letter: database unavailable; trying again in 1 s",
                reason=str(unavailable),
            )
            return False
        except Exception:
            log.exception("command not kept as a dead letter; trying again in 1 s")
            return False
        self._done(message)
        return True

    def _done(self, message: Message) -> None:
        """Also the one that room was made for: its report may have ended meanwhile."""
        self._isolation.give_up_room()
        self._tries.pop(_position(message), None)
        self._store_offset(message)

    def _store_offset(self, message: Message) -> None:
        try:
            self._client.store_offsets(message)
        except KafkaException as error:  # the partition went to another worker, whose claim will be refused
            log.info("offset not stored: the partition was revoked", reason=reason_of(error))

    def _pause(self) -> None:
        """The partitions of which enough was read, and no others."""
        wanted = set(self._ahead.full)
        if more := wanted - self._paused:
            self._client.pause(self._partitions(more))
        if fewer := self._paused - wanted:
            self._client.resume(self._partitions(fewer))
        self._paused = wanted

    def _partitions(self, numbers: set[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, number) for number in numbers]

    def _assigned(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        self._failures = 0
        client.incremental_assign(partitions)
        client.resume(partitions)  # one that was taken away while it was paused comes back so
        ours = [one.partition for one in partitions]
        self._reading.assigned(ours)
        log.info("partitions assigned", partitions=ours)

    def _revoked(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        gone = {one.partition for one in partitions}
        if client is self._client:  # and not one whose closing took long
            self._ahead.drop(gone)
            self._reading.revoked(gone)
            self._paused -= gone
            self._isolation.give_up_room()
        client.incremental_unassign(partitions)
        log.info("partitions revoked", partitions=sorted(gone))


def _position(message: Message) -> tuple[int | None, int | None]:
    return message.partition(), message.offset()
