"""Every operation that Kafka's authorizer knows, asked for by a client's own request."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not in its type hints
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from tests.support.broker import SECONDS, Rule
from tests.support.waiting import eventually
from waybill.kafka import KafkaConfig

_DENIED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)
_ALLOWED = frozenset(
    {
        KafkaError.TOPIC_ALREADY_EXISTS,
        KafkaError.GROUP_ID_NOT_FOUND,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.NON_EMPTY_GROUP,
    }
)
"""Answers of a broker that has let the user through, and found another reason."""


_NOT_YET = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
"""Of a group that nobody has used before."""


class Asking:
    """One user's clients. Each method raises `KafkaException` where the broker does not do what it asks."""

    def __init__(self, config: KafkaConfig) -> None:
        self._settings: dict[str, Any] = {
            "bootstrap.servers": config.bootstrap_servers,
            "log_level": 0,
            **config.security,
        }
        self._admin = AdminClient(self._settings)

    # --- of a topic

    def read(self, topic: str) -> None:
        """One message, which must be there, of partition 0."""
        self.describe(topic)  # where that is denied, librdkafka fetches nothing, and does not say so
        client = Consumer({**self._settings, "group.id": "asking", "enable.auto.commit": False})
        try:
            client.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
            while True:
                message = client.poll(SECONDS)
                assert message is not None, f"neither a message of {topic} nor a refusal"
                error = message.error()
                if error is None:
                    return
                if error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:  # no group is needed for it
                    raise KafkaException(error)
        finally:
            client.close()

    def write(self, topic: str) -> None:
        producer = Producer(
            {**self._settings, "acks": "all", "enable.idempotence": True, "delivery.timeout.ms": 5000}
        )
        errors: list[KafkaError | None] = []

        def keep(error: KafkaError | None, _: Message) -> None:
            errors.append(error)

        producer.produce(topic, value=b"asked", key=b"asked", on_delivery=keep)
        assert producer.flush(SECONDS) == 0
        (error,) = errors
        if error is not None and error.code() == KafkaError._MSG_TIMED_OUT:
            error = producer.list_topics(topic, timeout=SECONDS).topics[topic].error or error
        if error is not None:
            raise KafkaException(error)

    def describe(self, topic: str) -> None:
        error = self._admin.list_topics(topic, timeout=SECONDS).topics[topic].error
        if error is not None:
            raise KafkaException(error)

    def create(self, topic: str) -> None:
        _wait(self._admin.create_topics([NewTopic(topic, 1, 1)], validate_only=True))

    def alter(self, topic: str) -> None:
        _wait(self._admin.create_partitions([NewPartitions(topic, 99)], validate_only=True))

    def delete(self, topic: str) -> None:
        _wait(self._admin.delete_topics([topic]))

    def describe_configs(self, topic: str) -> None:
        _wait(self._admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]))

    def alter_configs(self, topic: str) -> None:
        self._alter_configs(ResourceType.TOPIC, topic, "retention.ms", "1000")

    # --- of a group

    def describe_group(self, group: str) -> None:
        _wait(self._admin.describe_consumer_groups([group], request_timeout=SECONDS))

    def read_group(self, group: str) -> None:
        """As a member: it commits an offset."""
        offsets = ConsumerGroupTopicPartitions(group, [TopicPartition("report", 0, 0)])
        try:
            _wait(self._admin.alter_consumer_group_offsets([offsets], request_timeout=SECONDS))
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:  # the group let it through
                raise

    def delete_group(self, group: str) -> None:
        _wait(self._admin.delete_consumer_groups([group], request_timeout=SECONDS))

    # --- of a transactional id, and of the cluster

    def begin_transactions(self, transactional_id: str) -> None:
        Producer({**self._settings, "transactional.id": transactional_id}).init_transactions(SECONDS)

    def list_rules(self, _: str) -> None:
        """There are some; librdkafka makes an empty list of a refusal."""
        of_any: Any = None
        anything = AclBindingFilter(
            ResourceType.ANY,
            of_any,
            ResourcePatternType.ANY,
            of_any,
            of_any,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        if not self._admin.describe_acls(anything).result(SECONDS):
            raise KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED))

    def make_a_rule(self, _: str) -> None:
        everything = Rule("TOPIC", "*", "LITERAL", "ALL")
        _wait(self._admin.create_acls([everything.binding("User:asking")]))

    def describe_broker(self, broker: str) -> None:
        _wait(self._admin.describe_configs([ConfigResource(ResourceType.BROKER, broker)]))

    def alter_broker(self, broker: str) -> None:
        self._alter_configs(ResourceType.BROKER, broker, "background.threads", "5")

    # --- what the authorizer itself says

    def allowed_on_topics(self, *topics: str) -> dict[str, set[str]]:
        """Of each topic that the user may describe, all operations that it may do."""
        asked = self._admin.describe_topics(TopicCollection(list(topics)), include_authorized_operations=True)
        return {name: _names(one.result(SECONDS).authorized_operations) for name, one in asked.items()}

    def allowed_on_the_cluster(self) -> set[str]:
        """Nothing at all for one that may not describe it."""
        asked = self._admin.describe_cluster(include_authorized_operations=True)
        return _names(asked.result(SECONDS).authorized_operations)

    def _alter_configs(self, resource: Any, name: str, setting: str, value: str) -> None:
        entry = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
        wanted = ConfigResource(resource, name, incremental_configs=[entry])
        _wait(self._admin.incremental_alter_configs([wanted], validate_only=True))


Operation = Callable[[Asking, str], None]

OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "topic": {
        "Read": Asking.read,
        "Write": Asking.write,
        "Describe": Asking.describe,
        "Create": Asking.create,
        "Alter": Asking.alter,
        "Delete": Asking.delete,
        "DescribeConfigs": Asking.describe_configs,
        "AlterConfigs": Asking.alter_configs,
    },
    "group": {"Read": Asking.read_group, "Describe": Asking.describe_group, "Delete": Asking.delete_group},
    "transactional id": {"Write": Asking.begin_transactions},
    "cluster": {
        "Describe": Asking.list_rules,
        "Create": Asking.create,
        "Alter": Asking.make_a_rule,
        "DescribeConfigs": Asking.describe_broker,
        "AlterConfigs": Asking.alter_broker,
    },
}
"""By what they are done to. On the cluster, the name is that of a new topic or of a broker."""


def is_allowed(operation: Operation, asking: Asking, name: str) -> bool:
    """Whether the broker lets the user do it; raises `KafkaException` where it answers neither."""

    def answer() -> tuple[bool] | None:
        try:
            operation(asking, name)
        except KafkaException as error:
            code = error.args[0].code()
            if code in _NOT_YET:
                return None
            if code not in _DENIED | _ALLOWED:
                raise
            return (code in _ALLOWED,)
        return (True,)

    (allowed,) = eventually(answer, f"an answer about {name}")
    return allowed


def _wait(asked: Mapping[Any, Future[Any]]) -> None:
    for one in asked.values():
        result = one.result(SECONDS)
        for partition in getattr(result, "topic_partitions", ()):
            if partition.error is not None:
                raise KafkaException(partition.error)


def _names(operations: list[AclOperation] | None) -> set[str]:
    return {one.name for one in operations or ()}
