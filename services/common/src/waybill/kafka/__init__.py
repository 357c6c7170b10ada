"""Kafka clients, and the topics where nobody else makes them."""

from waybill.kafka.clients import KafkaConfig, admin_client, consumer, producer
from waybill.kafka.topics import ensure_topics

__all__ = ["KafkaConfig", "admin_client", "consumer", "ensure_topics", "producer"]
