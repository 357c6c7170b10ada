"""Makes the topics, for where Strimzi's operator does not."""

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from waybill.errors import RetryableError, WaybillError
from waybill.kafka.clients import KafkaConfig, admin_client
from waybill.kafka.reasons import reason_of
from waybill.topics import Topics

_NO_ANSWER = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError.REQUEST_TIMED_OUT,
    }
)
_DAY_MS = 24 * 60 * 60 * 1000


class TopicsMissing(WaybillError):  # noqa: N818 - the name is the sentence
    """Topics that Waybill needs could not be made."""


class KafkaUnreachable(TopicsMissing, RetryableError):  # noqa: N818 - the name is the sentence
    """Topics could not be made because Kafka did not answer."""


def ensure_topics(
    config: KafkaConfig, topics: Topics, *, partitions: int, replication: int, timeout: float = 30
) -> list[str]:
    """Makes what is missing and returns its names; a topic that is there stays as it is.

    Raises `TopicsMissing`, and where Kafka did not answer `KafkaUnreachable`. Blocks for little more than
    `timeout` seconds.
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
            future.result()  # ends by the request's time-out, with the reason
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise _missing(name, error.args[0]) from error
        else:
            made.append(name)
    return made


def _missing(name: str, error: KafkaError) -> TopicsMissing:
    if error.code() in _NO_ANSWER:
        return KafkaUnreachable(
            f"The topic {name} could not be made, as Kafka does not answer: {reason_of(error)}."
        )
    return TopicsMissing(f"The topic {name} could not be made: {reason_of(error)}.")


def _topic(name: str, partitions: int, replication: int, config: dict[str, str]) -> NewTopic:
    return NewTopic(name, num_partitions=partitions, replication_factor=replication, config=config)
