"""The consumer loop: the one thread that touches the Consumer."""

import threading
import time
from collections.abc import Callable
from threading import Event

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from report_worker.command_queue import CommandQueue
from report_worker.read_ahead import partition_of
from waybill.kafka import BrokerWatchdog, KafkaHealth, PartitionWatchdog, reason_of

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.1
_PAUSE_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 15.0
_CLOSE_SECONDS = 5.0
_READ_AT_ONCE = 100
"""Messages, before offsets are stored and partitions paused again."""


class CommandConsumer:
    """Reads commands ahead of the slots, and stores the offsets of those that are done with.

    While a partition has enough of them it is paused. An offset is stored for commit after the claim, not
    after the job. So a slow job never disturbs the group, and the group's lag is the number of commands not
    yet claimed: few, since most reports wait in the database.
    """

    def __init__(
        self,
        make_client: Callable[[BrokerWatchdog], Consumer],
        is_reachable: Callable[[], bool],
        topic: str,
        health: KafkaHealth,
        reading: PartitionWatchdog,
        commands: CommandQueue,
        has_partitions: Callable[[int], object],
    ) -> None:
        """`is_reachable`: whether Kafka answers a new client now; it may block for a few seconds. `health`
        gets the client's errors, and `has_partitions` how many are assigned, when that changes."""
        self._make_client = make_client
        self._is_reachable = is_reachable
        self._client: Consumer
        self._topic = topic
        self._health = health
        self._reading = reading
        self._commands = commands
        self._has_partitions = has_partitions
        self._ours: set[int] = set()
        self._fetching = KafkaHealth("fetch commands", topic=topic)
        self._failures = 0
        self._paused: set[int] = set()
        self.last_poll = time.monotonic()
        """When the loop last polled, on the monotonic clock."""

    @property
    def problem(self) -> str | None:
        """What keeps it from reading the partitions that it has: a member of the group may be denied that."""
        return self._fetching.problem if self._ours else None

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
                self._store_offsets()
            except KafkaException as error:
                log.warning("consumer recreated", reason=reason_of(error))
                self._health.failed(error.args[0])
                stopping.wait(min(_PAUSE_SECONDS * 2**self._failures, _MAX_PAUSE_SECONDS))
                self._failures += 1
            finally:
                self._commands.clear()
                self._reading.forget()
                self._own(set())
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
        self._store_offsets()
        self.last_poll = time.monotonic()

    def _read(self) -> None:
        """What the client has fetched already; else, what comes within a moment."""
        first = self._client.poll(_POLL_SECONDS)
        if first is not None:
            # not at once with the first one: `consume` waits until it has as many as it was asked for
            more = self._client.consume(_READ_AT_ONCE, 0)
            self._commands.add([one for one in (first, *more) if self._received(one)])

    def _received(self, message: Message) -> bool:
        """Whether it is a command. Raises `KafkaException` where the client is to be replaced."""
        error = message.error()
        if error is None:
            self._fetching.works()
            self._reading.received(partition_of(message), message.offset() or 0)
            return True
        if error.code() == KafkaError._PARTITION_EOF:
            self._fetching.works()
            return False
        if error.fatal() or error.code() == KafkaError._FATAL:  # as when Kafka has lost the group
            raise KafkaException(error)
        if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED and self._ours:
            self._fetching.failed(error)
            self._fetch_again()
        else:
            self._health.failed(error)
        return False

    def _fetch_again(self) -> None:
        """The client tries by itself; but the end of a partition is an event again only for one that was
        paused."""
        partitions = self._partitions(self._ours - self._paused)
        self._client.pause(partitions)
        self._client.resume(partitions)

    def _store_offsets(self) -> None:
        for message in self._commands.done_with():
            try:
                self._client.store_offsets(message)
            except KafkaException as error:  # it went to another worker, whose claims will be refused
                log.info("offset not stored: the partition was revoked", reason=reason_of(error))

    def _pause(self) -> None:
        """The partitions of which enough was read, and no others."""
        wanted = self._commands.full()
        if more := wanted - self._paused:
            self._client.pause(self._partitions(more))
        if fewer := self._paused - wanted:
            self._client.resume(self._partitions(fewer))
        self._paused = wanted

    def _partitions(self, numbers: set[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, number) for number in numbers]

    def _own(self, partitions: set[int]) -> None:
        self._ours = partitions
        self._has_partitions(len(partitions))

    def _assigned(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        self._failures = 0
        client.incremental_assign(partitions)
        client.resume(partitions)  # one that was taken away while it was paused comes back so
        ours = [one.partition for one in partitions]
        self._reading.assigned(ours)
        self._own(self._ours | set(ours))
        log.info("partitions assigned", partitions=ours)

    def _revoked(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        gone = {one.partition for one in partitions}
        if client is self._client:  # and not one whose closing took long
            self._store_offsets()
            self._commands.drop(gone)
            self._reading.revoked(gone)
            self._paused -= gone
            self._own(self._ours - gone)
        client.incremental_unassign(partitions)
        log.info("partitions revoked", partitions=sorted(gone))
