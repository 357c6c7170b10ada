"""Configured clients of confluent-kafka.

Make them in the process that uses them: a client made before a fork sends nothing. Touch a Consumer from
one thread only: while one thread polls, a call from another may hang.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from waybill.kafka.health import KafkaHealth
from waybill.kafka.reasons import WithoutHosts, reason_of
from waybill.kafka.repeats import OncePerMinute

log = structlog.get_logger(__name__)
_librdkafka_log = logging.getLogger(__name__)
"""librdkafka's own lines need a logger of the standard library."""
_librdkafka_log.addFilter(OncePerMinute())  # which tells the hosts apart
_librdkafka_log.addFilter(WithoutHosts())


@dataclass(frozen=True)
class KafkaConfig:
    """How to reach the brokers. `security` holds librdkafka's own names."""

    bootstrap_servers: str
    client_id: str
    security: Mapping[str, str] = field(default_factory=dict, repr=False)

    def common(self) -> dict[str, Any]:
        """What every client needs."""
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": self.client_id,
            "error_cb": _log_error,
            "logger": _librdkafka_log,
            "log_level": 4,
            "socket.timeout.ms": 10_000,  # what is not answered by then is asked on a new connection
            "socket.keepalive.enable": True,
            "reconnect.backoff.max.ms": 2000,
            "topic.metadata.refresh.interval.ms": 60_000,
            **self.security,
        }


def producer(
    config: KafkaConfig, health: KafkaHealth | None = None, *, delivery_timeout_ms: int = 10_000
) -> Producer:
    """An idempotent producer: `acks=all`, each message once and in order within a partition."""
    return Producer(
        {
            **config.common(),
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 5,  # for what is produced together; a flush, which follows it, does not wait
            "delivery.timeout.ms": delivery_timeout_ms,
            "request.timeout.ms": min(5000, delivery_timeout_ms),
            "message.max.bytes": 1_000_000,
            **(health.settings() if health else {}),
        }
    )


def consumer(config: KafkaConfig, group: str, **options: object) -> Consumer:
    """A consumer that commits, each second, the stored offsets and nothing else.

    The end of a partition is an event too (`_PARTITION_EOF`): it shows that the user may read it, also where
    there are no messages.
    """
    return Consumer(
        {
            **config.common(),
            "group.id": group,
            "enable.auto.commit": True,
            "auto.commit.interval.ms": 1000,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            **options,
        }
    )


SMALL_FETCHES: Mapping[str, object] = {"fetch.message.max.bytes": 64 * 1024, "queued.min.messages": 100}
"""For a consumer that pauses partitions: what a paused one has fetched is fetched again."""


def group_protocol(protocol: str) -> dict[str, object]:
    """KIP-848, where the broker sets the session's time-out; or the classic one for brokers before 4.0."""
    if protocol == "consumer":
        return {"group.protocol": "consumer"}
    return {"partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 10_000}


def admin_client(config: KafkaConfig, health: KafkaHealth | None = None) -> AdminClient:
    """For topics and metadata."""
    return AdminClient({**config.common(), **(health.settings() if health else {})})


def is_reachable(config: KafkaConfig, seconds: float = 2.0) -> bool:
    """Whether a broker answers a new client; blocks for `seconds` at most."""
    try:
        return bool(admin_client(config).list_topics(timeout=seconds).brokers)
    except KafkaException:
        return False


def _log_error(error: KafkaError) -> None:
    log.warning("kafka client error", reason=reason_of(error))
