"""Reads in Kafka which reports have changed. What they are now is for the database to say."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID, uuid4

import structlog
from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from waybill.kafka import KafkaConfig, KafkaHealth, consumer, reason_of

log = structlog.get_logger(__name__)

Hint = Callable[[UUID], None]

_POLL_SECONDS = 0.5
_GATHER_SECONDS = 0.02
"""After a message: many that follow each other wake the thread once. The hub reads no more often."""
_MAX_GATHERED = 1000
_RETRY_SECONDS = 2.0
_METADATA_SECONDS = 5.0
_METADATA_TIMEOUT_SECONDS = 2.0


class StatusHints:
    """Calls `hint` for each message of `report-status` with the report that its key names.

    It assigns itself every partition, from the end, and does not join a consumer group, so every process
    receives every message. A message's value is never read: anyone who can write to the topic could forge it.
    """

    def __init__(self, config: KafkaConfig, topic: str, hint: Hint) -> None:
        self._config = config
        self._topic = topic
        self._hint = hint
        self._health = KafkaHealth("read status events", topic=topic)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status-hints", daemon=True)
        self.connected = False

    @property
    def problem(self) -> str | None:
        """What is missing in Kafka; None where messages are read."""
        return None if self.connected else self._health.problem or "Kafka has not answered yet."

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Tells the thread to end, and waits for it for 5 s at most."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            options = {"enable.auto.commit": False, **self._health.settings()}
            client = consumer(self._config, f"producer-api-{uuid4()}", **options)
            try:
                self._consume(client)
            except KafkaException as error:
                client.poll(0)  # gives the health what the client knows of the cause
                self._health.failed(error.args[0])
            except Exception:
                log.exception("status consumer restarts: unexpected error")
            finally:
                self.connected = False
                client.close()
            self._stopping.wait(_RETRY_SECONDS)

    def _consume(self, client: Consumer) -> None:
        """Runs until the topic's partitions change. Raises KafkaException if no broker responds, or the topic
        cannot be read."""
        partitions = self._partitions(client)
        client.assign([TopicPartition(self._topic, number, OFFSET_END) for number in partitions])
        checked = time.monotonic()
        while partitions and not self._stopping.is_set():
            if (message := client.poll(_POLL_SECONDS)) is not None:
                self._process(message)
                for further in client.consume(_MAX_GATHERED, _GATHER_SECONDS):
                    self._process(further)
            if time.monotonic() - checked >= _METADATA_SECONDS:
                if self._partitions(client) != partitions:
                    return
                checked = time.monotonic()

    def _partitions(self, client: Consumer) -> list[int]:
        """Raises KafkaException if no broker responds in time, or the topic cannot be read."""
        topic = client.list_topics(self._topic, timeout=_METADATA_TIMEOUT_SECONDS).topics[self._topic]
        if topic.error is not None:
            raise KafkaException(topic.error)
        return sorted(topic.partitions)

    def _process(self, message: Message) -> None:
        """Raises KafkaException if the topic cannot be read."""
        error = message.error()
        if error is None:
            self._pass_on(message)
        elif error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:  # it may be described, and not be read
            raise KafkaException(error)
        elif error.code() != KafkaError._PARTITION_EOF:
            log.warning("status consumer continues after an error", reason=reason_of(error))
            return
        if not self.connected:
            self.connected = True
            self._health.works()

    def _pass_on(self, message: Message) -> None:
        key = message.key()
        text = key.decode("ascii", "replace") if isinstance(key, bytes) else key or ""
        with suppress(ValueError):  # not ours, or forged
            self._hint(UUID(text))
