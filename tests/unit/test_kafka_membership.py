"""What a worker says while Kafka does not tell of its group."""

import threading
from collections.abc import Iterator
from unittest.mock import MagicMock

import pytest
from confluent_kafka import KafkaError, KafkaException

from tests.support.waiting import eventually
from waybill.kafka import GroupMembership, KafkaConfig, KafkaHealth, membership

GROUP = "workers"


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Iterator[MagicMock]:
    """A client whose topic is there, and whose question for the group fails as a test says."""
    client = MagicMock()
    client.list_topics.return_value.topics = {"report": MagicMock(error=None)}
    monkeypatch.setattr(membership, "admin_client", lambda *_: client)
    yield client
    assert client.describe_consumer_groups.called


@pytest.fixture
def health() -> KafkaHealth:
    return KafkaHealth("read commands", topic="report", group=GROUP)


def asked(admin: MagicMock, health: KafkaHealth, code: int) -> str | None:
    """The answer after one question, to which Kafka answers with the error `code`."""
    failing = MagicMock()
    failing.result.side_effect = KafkaException(KafkaError(code))
    admin.describe_consumer_groups.return_value = {GROUP: failing}
    member = GroupMembership(KafkaConfig("nowhere:1", "me", {}), "report", GROUP, health)
    member.problem()
    eventually(lambda: admin.describe_consumer_groups.called, "the question")
    eventually(lambda: not member._asking.locked(), "its answer")
    return member.problem()


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.GROUP_ID_NOT_FOUND,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    ],
)
def test_what_passes_by_itself_does_not_hide_the_cause(
    admin: MagicMock, health: KafkaHealth, code: int
) -> None:
    health.failed(KafkaError(KafkaError.UNSUPPORTED_VERSION))

    problem = asked(admin, health, code)

    assert "WAYBILL_KAFKA_GROUP_PROTOCOL=classic" in (problem or "")


def test_what_keeps_it_from_the_group_is_said(admin: MagicMock, health: KafkaHealth) -> None:
    problem = asked(admin, health, KafkaError.GROUP_AUTHORIZATION_FAILED)

    assert f"denies access to the consumer group {GROUP}" in (problem or "")


def test_a_thread_that_could_not_be_started_is_tried_again(
    admin: MagicMock, health: KafkaHealth, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    member = GroupMembership(KafkaConfig("nowhere:1", "me", {}), "report", GROUP, health)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert "not yet a member" in (member.problem() or "")

    member.problem()

    eventually(lambda: admin.describe_consumer_groups.called, "the question")
