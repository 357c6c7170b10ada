"""The status hub: one consumer of `report-status` in each process, which feeds its open streams."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from uuid import UUID, uuid4

import structlog
from confluent_kafka import OFFSET_END, Consumer, KafkaException, Message, TopicPartition
from pydantic import ValidationError

from waybill.kafka import KafkaConfig, consumer
from waybill.messages import StatusEvent

log = structlog.get_logger(__name__)

Inbox = SimpleQueue[StatusEvent | None]
"""The events of one stream; None wakes it without an event."""

_POLL_SECONDS = 0.5
_RETRY_SECONDS = 2.0
_METADATA_SECONDS = 5.0
_METADATA_TIMEOUT_SECONDS = 2.0


class StatusHub:
    """Passes each status event to the streams that are open for its report.

    It assigns itself every partition, from the end, and does not join a consumer group, so every process
    receives every event. A stream reads from the database what the hub misses: before it has started, or
    while Kafka is down.
    """

    def __init__(self, config: KafkaConfig, topic: str) -> None:
        self._config = config
        self._topic = topic
        self._lock = threading.Lock()
        self._inboxes: dict[UUID, set[Inbox]] = defaultdict(set)
        self._streams = 0
        self._stopping = threading.Event()
        self._draining = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status-hub", daemon=True)
        self.connected = False

    @property
    def draining(self) -> bool:
        """Whether open streams must end now."""
        return self._draining.is_set()

    @property
    def streams(self) -> int:
        """The number of open streams."""
        return self._streams

    def start(self) -> None:
        self._thread.start()

    def drain(self) -> None:
        """Tells every stream to end. Safe in a signal handler: it takes no lock of this class."""
        self._draining.set()

    def stop(self) -> None:
        """Tells the thread to end, and waits for it for 5 s at most."""
        self.drain()
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    @contextmanager
    def subscribe(self, report_id: UUID) -> Iterator[Inbox]:
        """An inbox for the report's events from now on."""
        inbox: Inbox = SimpleQueue()
        with self._lock:
            self._inboxes[report_id].add(inbox)
            self._streams += 1
        try:
            yield inbox
        finally:
            with self._lock:
                self._streams -= 1
                self._inboxes[report_id].discard(inbox)
                if not self._inboxes[report_id]:
                    del self._inboxes[report_id]

    def _run(self) -> None:
        while not self._stopping.is_set():
            client = consumer(self._config, f"producer-api-{uuid4()}", **{"enable.auto.commit": False})
            try:
                self._consume(client)
            except KafkaException as error:
                log.warning("status consumer restarts: Kafka error", error=str(error))
            except Exception:
                log.exception("status consumer restarts: unexpected error")
            finally:
                self.connected = False
                client.close()
            self._stopping.wait(_RETRY_SECONDS)

    def _consume(self, client: Consumer) -> None:
        """Runs until the topic's partitions change. Raises KafkaException if no broker responds."""
        partitions = self._partitions(client)
        client.assign([TopicPartition(self._topic, number, OFFSET_END) for number in partitions])
        self.connected = bool(partitions)
        checked = time.monotonic()
        while self.connected and not self._stopping.is_set():
            message = client.poll(_POLL_SECONDS)
            if message is not None and message.error() is None:
                self._dispatch(message)
            if time.monotonic() - checked >= _METADATA_SECONDS:
                self.connected = self._partitions(client) == partitions
                checked = time.monotonic()

    def _partitions(self, client: Consumer) -> list[int]:
        """Raises KafkaException if no broker responds in time."""
        return sorted(
            client.list_topics(self._topic, timeout=_METADATA_TIMEOUT_SECONDS).topics[self._topic].partitions
        )

    def _dispatch(self, message: Message) -> None:
        value = message.value()
        if value is None:
            return
        try:
            event = StatusEvent.model_validate_json(value)
        except ValidationError as error:
            log.warning("status event skipped: not valid", error=str(error))
            return
        with self._lock:
            inboxes = list(self._inboxes.get(event.report_id, ()))
        for inbox in inboxes:
            inbox.put(event)
