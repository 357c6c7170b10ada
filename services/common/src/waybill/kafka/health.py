"""What keeps a client from its work."""

import threading
from typing import Any

import structlog
from confluent_kafka import KafkaError

from waybill.kafka.reasons import reason_of
from waybill.kafka.sentences import UNREACHABLE, explain, names_the_cause

log = structlog.get_logger(__name__)

_METADATA_SHOW = UNREACHABLE | {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}


class KafkaHealth:
    """Of one client, or of several that do one task. Threads may share it; a change is logged once."""

    def __init__(self, task: str, *, topic: str = "", group: str = "") -> None:
        """`task` is what the clients do, for the log; `topic` and `group`, on which."""
        self._task = task
        self._topic = topic
        self._group = group
        self._lock = threading.Lock()
        self._problems: dict[str, str] = {}
        self._unreached: set[str] = set()
        self._noted: KafkaError | None = None

    def settings(self) -> dict[str, Any]:
        """For the client."""
        return {"error_cb": self.note}

    @property
    def problem(self) -> str | None:
        """What is missing; None where the client works, or has not tried yet."""
        with self._lock:
            return next(iter(self._problems.values()), None)

    @property
    def unreached(self) -> list[str]:
        """The topics of which there was no answer, or that were not there: metadata without an error say that
        this is over. They do not say it of rights."""
        with self._lock:
            return sorted(self._unreached)

    def note(self, error: KafkaError) -> None:
        """An error that the client may recover from by itself: it explains a failure that follows."""
        if names_the_cause(error):
            self._noted = error
        log.debug("kafka client error", task=self._task, reason=reason_of(error))

    def failed(self, error: KafkaError, topic: str | None = None) -> None:
        """The client could not do its task because of `error`; on `topic`, where it has several."""
        shows = error.code() in _METADATA_SHOW
        if error.code() in UNREACHABLE and not names_the_cause(error) and self._noted is not None:
            error = self._noted
        topic = self._topic if topic is None else topic
        sentence = explain(error, topic=topic, group=self._group)
        with self._lock:
            (self._unreached.add if shows else self._unreached.discard)(topic)
            if self._problems.get(topic) == sentence:
                return
            self._problems[topic] = sentence
        log.warning(
            "kafka cannot be used: trying again", task=self._task, reason=sentence, error=reason_of(error)
        )

    def works(self, topic: str | None = None) -> None:
        """The client did its task; on `topic`, where it has several."""
        self._noted = None
        topic = self._topic if topic is None else topic
        with self._lock:
            self._unreached.discard(topic)
            if self._problems.pop(topic, None) is None:
                return
        log.info("kafka can be used again", task=self._task)
