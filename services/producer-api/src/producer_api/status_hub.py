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
"""A stream's events; None only wakes it."""

_POLL_SECONDS = 0.5
_RETRY_SECONDS = 2.0
_ASK_SECONDS = 5.0
_ASK_TIMEOUT_SECONDS = 2.0


class StatusHub:
    """Hands each status event to the streams that are open for its report.

    It reads every partition from its end and belongs to no consumer group's balance: every process sees
    every event. Whatever it misses, while Kafka is away or before it has begun, a stream reads from the
    database.
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
        """Whether open streams shall end now."""
        return self._draining.is_set()

    @property
    def streams(self) -> int:
        """How many are open."""
        return self._streams

    def start(self) -> None:
        self._thread.start()

    def drain(self) -> None:
        """Wakes every stream to end. For a signal handler: it takes no lock of ours."""
        self._draining.set()

    def stop(self) -> None:
        """Blocks for at most a few seconds."""
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
                log.warning("the status consumer waits for Kafka", error=str(error))
            except Exception:
                log.exception("the status consumer failed; it starts again")
            finally:
                self.connected = False
                client.close()
            self._stopping.wait(_RETRY_SECONDS)

    def _consume(self, client: Consumer) -> None:
        """Until the topic's partitions change, or Kafka does not answer."""
        partitions = self._partitions(client)
        client.assign([TopicPartition(self._topic, number, OFFSET_END) for number in partitions])
        self.connected = bool(partitions)
        asked = time.monotonic()
        while self.connected and not self._stopping.is_set():
            message = client.poll(_POLL_SECONDS)
            if message is not None and message.error() is None:
                self._dispatch(message)
            if time.monotonic() - asked >= _ASK_SECONDS:
                self.connected = self._partitions(client) == partitions
                asked = time.monotonic()

    def _partitions(self, client: Consumer) -> list[int]:
        """Raises KafkaException where no broker answers."""
        return sorted(
            client.list_topics(self._topic, timeout=_ASK_TIMEOUT_SECONDS).topics[self._topic].partitions
        )

    def _dispatch(self, message: Message) -> None:
        value = message.value()
        if value is None:
            return
        try:
            event = StatusEvent.model_validate_json(value)
        except ValidationError as error:
            log.warning("a status event cannot be read; it is left out", error=str(error))
            return
        with self._lock:
            inboxes = list(self._inboxes.get(event.report_id, ()))
        for inbox in inboxes:
            inbox.put(event)
