"""What keeps a client from its work: one sentence, with the setting or the command that helps.

It names topics, groups and settings, and no host or user: probes show it to anybody.
"""

import threading
from typing import Any

import structlog
from confluent_kafka import KafkaError

from waybill.kafka.reasons import reason_of

log = structlog.get_logger(__name__)

_UNREACHABLE = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._RESOLVE,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._WAIT_COORD,
        KafkaError.REQUEST_TIMED_OUT,
    }
)
"""What a client says of any broker that does not answer, whatever the cause."""

_SENTENCES = {
    KafkaError.GROUP_AUTHORIZATION_FAILED: "Kafka denies access to the consumer group {group}: allow the "
    "operation Read on this group to the service's user.",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "Kafka denies access to the topic {topic}: allow Read, Write and "
    "Describe on it to the service's user, as far as the service uses it.",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "Kafka denies an operation on the cluster: allow "
    "IdempotentWrite on it to the service's user.",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "Kafka has no topic {topic}: create it by 'waybill topics', or correct "
    "its name in WAYBILL_KAFKA_TOPIC_….",
    KafkaError._AUTHENTICATION: "Kafka refuses the credentials: correct WAYBILL_KAFKA_SASL_MECHANISM, "
    "…_SASL_USERNAME and …_SASL_PASSWORD.",
    KafkaError._SSL: "no TLS connection to Kafka: correct WAYBILL_KAFKA_SECURITY_PROTOCOL, or the files of "
    "WAYBILL_KAFKA_SSL_….",
    KafkaError.UNSUPPORTED_VERSION: "Kafka does not offer the group protocol 'consumer': set "
    "WAYBILL_KAFKA_GROUP_PROTOCOL=classic, or enable it on the brokers (Kafka 4.0 or later, with "
    "group.version=1).",
}
_SAME = {
    KafkaError._UNKNOWN_TOPIC: KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.SASL_AUTHENTICATION_FAILED: KafkaError._AUTHENTICATION,
    KafkaError._UNSUPPORTED_FEATURE: KafkaError.UNSUPPORTED_VERSION,
}
_NO_ANSWER = (
    "Kafka does not answer: check that it runs, WAYBILL_KAFKA_BOOTSTRAP_SERVERS and "
    "WAYBILL_KAFKA_SECURITY_PROTOCOL."
)


class KafkaHealth:
    """Of one client, or of several that do one task. Threads may share it; a change is logged once."""

    def __init__(self, task: str, *, topic: str = "", group: str = "") -> None:
        """`task` is what the clients do, for the log; `topic` and `group`, on which."""
        self._task = task
        self._topic = topic
        self._group = group
        self._lock = threading.Lock()
        self._problems: dict[str, str] = {}
        self._noted: KafkaError | None = None

    def settings(self) -> dict[str, Any]:
        """For the client."""
        return {"error_cb": self.note}

    @property
    def problem(self) -> str | None:
        """What is missing; None where the client works, or has not tried yet."""
        with self._lock:
            return next(iter(self._problems.values()), None)

    def note(self, error: KafkaError) -> None:
        """An error that the client may recover from by itself: it explains a failure that follows."""
        if _code(error) in _SENTENCES:
            self._noted = error
        log.debug("kafka client error", task=self._task, reason=reason_of(error))

    def failed(self, error: KafkaError, topic: str | None = None) -> None:
        """The client could not do its task because of `error`; on `topic`, where it has several."""
        if error.code() in _UNREACHABLE and self._noted is not None:
            error = self._noted
        topic = self._topic if topic is None else topic
        sentence = explain(error, topic=topic, group=self._group)
        with self._lock:
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
            if self._problems.pop(topic, None) is None:
                return
        log.info("kafka can be used again", task=self._task)


def explain(error: KafkaError, *, topic: str, group: str) -> str:
    """The sentence for `error`."""
    if error.code() in _UNREACHABLE:
        return _NO_ANSWER
    sentence = _SENTENCES.get(_code(error), "Kafka answers with an error: {error}.")
    return sentence.format(topic=topic, group=group, error=error.name())


def _code(error: KafkaError) -> int:
    """The code that says the same; a fatal error has its cause in its text alone."""
    if error.code() == KafkaError._FATAL and "not supported" in error.str():
        return KafkaError.UNSUPPORTED_VERSION
    return _SAME.get(error.code(), error.code())
