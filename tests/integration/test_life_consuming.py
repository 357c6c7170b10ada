"""The consumer loop on a real topic: no partition waits for another that always has more."""

from collections.abc import Iterator
from itertools import cycle
from threading import Event, Thread
from typing import cast
from uuid import uuid4

import pytest
from confluent_kafka import Message

from report_worker.consuming import CommandConsumer
from report_worker.intake import Claimed, Intake
from tests.support.kafka import Record, Topics
from tests.support.life import readable
from tests.support.waiting import eventually
from waybill.kafka import KafkaConfig, consumer, ensure_topics
from waybill.kafka.clients import group_protocol
from waybill.topics import Topics as Names

PARTITIONS = 4


class BusySlots:
    """One slot: each time it is asked, it gets free at the third time."""

    def __init__(self) -> None:
        self._free = cycle((False, False, True))

    def wait_for_free(self, seconds: float) -> bool:
        return next(self._free) or Event().wait(seconds)


class Taken:
    """Notes the partitions of what it takes, and claims nothing."""

    def __init__(self) -> None:
        self.partitions: list[int] = []

    def take(self, message: Message) -> Claimed | None:
        self.partitions.append(message.partition() or 0)
        return None


@pytest.fixture
def commands(topics: Topics) -> str:
    """A topic of which every partition has more than anybody takes."""
    unique = uuid4().hex[:8]
    names = Names(f"fair-{unique}", f"fair-{unique}-status", f"fair-{unique}-dead-letter")
    ensure_topics(KafkaConfig(topics.bootstrap, "tests"), names, partitions=PARTITIONS, replication=1)
    readable(topics, names.report)
    topics.send(
        names.report, *(Record(b"{}", partition=number) for _ in range(50) for number in range(PARTITIONS))
    )
    return names.report


@pytest.fixture
def taken(topics: Topics, commands: str) -> Iterator[Taken]:
    """What a loop takes that runs while the test does."""
    kafka, stopping, intake = KafkaConfig(topics.bootstrap, "tests"), Event(), Taken()
    loop = CommandConsumer(
        lambda: consumer(kafka, f"{commands}-group", **group_protocol("consumer")),
        commands,
        cast(Intake, intake),
        BusySlots(),
        lambda _: None,
    )
    thread = Thread(target=loop.run, args=(stopping,))
    thread.start()
    yield intake
    stopping.set()
    thread.join(30)


def test_each_partition_has_its_turn(taken: Taken) -> None:
    eventually(lambda: len(taken.partitions) >= 6 * PARTITIONS, "some turns")

    later = taken.partitions[2 * PARTITIONS : 6 * PARTITIONS]
    assert all(later.count(number) >= 2 for number in range(PARTITIONS)), later
