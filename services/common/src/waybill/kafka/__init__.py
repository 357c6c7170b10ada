"""Kafka clients, and the topics where Strimzi does not make them."""

from waybill.kafka.clients import KafkaConfig, admin_client, consumer, is_reachable, producer
from waybill.kafka.health import KafkaHealth
from waybill.kafka.membership import GroupMembership
from waybill.kafka.partitions import PartitionWatchdog, ask_kafka
from waybill.kafka.reasons import reason_of
from waybill.kafka.topics import ensure_topics
from waybill.kafka.watchdog import BrokerWatchdog

__all__ = [
    "BrokerWatchdog",
    "GroupMembership",
    "KafkaConfig",
    "KafkaHealth",
    "PartitionWatchdog",
    "admin_client",
    "ask_kafka",
    "consumer",
    "ensure_topics",
    "is_reachable",
    "producer",
    "reason_of",
]
