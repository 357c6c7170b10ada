"""Kafka clients, and the topics where nobody else makes them."""

from waybill.kafka.clients import KafkaConfig, admin_client, consumer, is_answered, producer
from waybill.kafka.pulse import Pulse
from waybill.kafka.topics import ensure_topics

__all__ = [
    "KafkaConfig",
    "Pulse",
    "admin_client",
    "consumer",
    "ensure_topics",
    "is_answered",
    "producer",
]
