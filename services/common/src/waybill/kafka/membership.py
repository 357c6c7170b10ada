"""Whether a consumer is a member of its group."""

import json
import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException

from waybill.kafka.clients import KafkaConfig, admin_client
from waybill.kafka.health import KafkaHealth

_NOT_YET = frozenset(
    {
        KafkaError.GROUP_ID_NOT_FOUND,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
"""The group does not exist yet, or Kafka is still finding its coordinator: neither is a failure."""
_STALE_SECONDS = 10.0
"""After which a consumer's statistics, which come every 2 s, say nothing of now."""
_ASK_SECONDS = 2.0
_KEEP_SECONDS = 3.0
_KEEP_MEMBER_SECONDS = 10.0


class GroupMembership:
    """A member has partitions, or has joined a group that has none left for it.

    A consumer's statistics tell of its partitions alone: without any, Kafka is asked, since a consumer that
    waits to join looks the same as one that has joined.
    """

    def __init__(
        self,
        config: KafkaConfig,
        topic: str,
        group: str,
        health: KafkaHealth,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`config` is the consumer's own: its client id is what the group knows it by."""
        self._config = config
        self._topic = topic
        self._group = group
        self._health = health
        self._clock = clock
        self._assigned_at: float | None = None
        self._answer: str | None = f"not yet a member of the consumer group {group}"
        self._ask_at = 0.0
        self._asking = threading.Lock()

    def update(self, statistics: str) -> None:
        """The client calls it with its statistics, in `poll`."""
        group = json.loads(statistics).get("cgrp", {})
        assigned = group.get("state") == "up" and group.get("assignment_size", 0) > 0
        self._assigned_at = self._clock() if assigned else None
        if assigned:
            self._health.works()

    def problem(self) -> str | None:
        """None for a member; else what is missing. It does not block: without partitions it is Kafka's last
        answer, and a thread asks again where that is old."""
        assigned_at = self._assigned_at
        if assigned_at is not None and self._clock() - assigned_at < _STALE_SECONDS:
            return None
        if self._clock() >= self._ask_at and self._asking.acquire(blocking=False):
            try:
                threading.Thread(target=self._ask, name="membership", daemon=True).start()
            except RuntimeError:  # no more threads: the next call tries again
                self._asking.release()
        return self._answer

    def _ask(self) -> None:
        try:
            self._answer = self._problem_now()
        finally:
            keep = _KEEP_SECONDS if self._answer else _KEEP_MEMBER_SECONDS
            self._ask_at = self._clock() + keep
            self._asking.release()

    def _problem_now(self) -> str | None:
        try:
            if self._is_member():
                self._health.works()
                return None
        except KafkaException as error:
            self._failed(error.args[0])
        return self._health.problem or f"not yet a member of the consumer group {self._group}"

    def _is_member(self) -> bool:
        """Raises `KafkaException`, also where the topic does not exist: one can join without it."""
        admin = admin_client(self._config, self._health)  # kept until the answers are in
        topic = admin.list_topics(self._topic, timeout=_ASK_SECONDS).topics[self._topic]
        if topic.error is not None:
            raise KafkaException(topic.error)
        described = admin.describe_consumer_groups([self._group], request_timeout=_ASK_SECONDS)
        members = described[self._group].result(2 * _ASK_SECONDS).members
        return any(member.client_id == self._config.client_id for member in members)

    def _failed(self, error: KafkaError) -> None:
        if error.code() not in _NOT_YET:
            self._health.failed(error)
