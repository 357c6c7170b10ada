"""The sentence for an error of a client, with the setting or the command that helps.

It names topics, groups and settings, and no host or user: probes show it to anybody.
"""

import re

from confluent_kafka import KafkaError

UNREACHABLE = frozenset(
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

_BY_TEXT = {
    re.compile(
        "certificate verify failed"
    ): "Kafka's certificate cannot be verified: it must be valid, of an "
    "authority in the file of WAYBILL_KAFKA_SSL_CA_LOCATION, and of the host that "
    "WAYBILL_KAFKA_BOOTSTRAP_SERVERS names.",
    re.compile(
        "alert .*(certificate|unknown ca|handshake failure)"
    ): "Kafka refuses the service's certificate: "
    "give a valid one, of an authority that the brokers trust, in WAYBILL_KAFKA_SSL_CERTIFICATE_… and "
    "…_SSL_KEY_…, and restart the service after it was renewed.",
    re.compile(
        "PLAINTEXT broker listener|wrong version number|packet length"
    ): "Kafka does not answer by TLS: "
    "correct WAYBILL_KAFKA_SECURITY_PROTOCOL, or the port in WAYBILL_KAFKA_BOOTSTRAP_SERVERS.",
}
"""Of TLS: librdkafka has one code for whatever ends a connection, and tells the causes apart in words."""

_BY_CODE = {
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


def names_the_cause(error: KafkaError) -> bool:
    """Whether there is more to say of it than that Kafka does not answer."""
    return _sentence(error) is not None


def explain(error: KafkaError, *, topic: str, group: str) -> str:
    """The sentence for `error`."""
    sentence = _sentence(error)
    if sentence is None:
        sentence = _NO_ANSWER if error.code() in UNREACHABLE else "Kafka answers with an error: {error}."
    return sentence.format(topic=topic, group=group, error=error.name())


def _sentence(error: KafkaError) -> str | None:
    text = error.str()
    by_text = (sentence for pattern, sentence in _BY_TEXT.items() if pattern.search(text))
    return next(by_text, None) or _BY_CODE.get(_code(error))


def _code(error: KafkaError) -> int:
    """The code that says the same; a fatal error has its cause in its text alone."""
    if error.code() == KafkaError._FATAL and "not supported" in error.str():
        return KafkaError.UNSUPPORTED_VERSION
    return _SAME.get(error.code(), error.code())
