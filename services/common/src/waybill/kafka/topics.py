"""Makes the topics, for where Strimzi's operator does not."""

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from waybill.errors import WaybillError
from waybill.kafka.clients import KafkaConfig, admin_client
from waybill.topics import Topics

_DAY_MS = 24 * 60 * 60 * 1000


class TopicsMissing(WaybillError):  # noqa: N818 - the name is the sentence
    """Topics that Waybill needs could not be made."""


def ensure_topics(
    config: KafkaConfig, topics: Topics, *, partitions: int, replication: int, timeout: float = 30
) -> list[str]:
    """Makes what is missing and returns its names; a topic that is there stays as it is.

    Raises `TopicsMissing`. Blocks for at most `timeout` seconds.
    """
    made = []
    wanted = [
        _topic(topics.report, partitions, replication, {"retention.ms": str(7 * _DAY_MS)}),
        _topic(
            topics.report_status,
            partitions,
            replication,
            {"cleanup.policy": "compact", "min.compaction.lag.ms": "60000"},
        ),
        _topic(topics.report_dead_letter, partitions, replication, {"retention.ms": str(30 * _DAY_MS)}),
    ]
    admin = admin_client(config)  # kept until the answers are in: they are lost with it
    futures = admin.create_topics(wanted, operation_timeout=timeout, request_timeout=timeout)
    for name, future in futures.items():
        try:
            future.result(timeout)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicsMissing(f"The topic {name} could not be made: {error.args[0].str()}") from error
        else:
            made.append(name)
    return made


def _topic(name: str, partitions: int, replication: int, config: dict[str, str]) -> NewTopic:
    return NewTopic(name, num_partitions=partitions, replication_factor=replication, config=config)
