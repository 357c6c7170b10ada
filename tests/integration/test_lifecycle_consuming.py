"""The consumer loop on a real topic: no partition waits for another that always has more, and no client that
Kafka has forgotten holds up the topic."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from threading import Event, Thread
from typing import TypeVar, cast
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from sqlalchemy.exc import DatabaseError, InterfaceError
from structlog.testing import capture_logs

from report_worker import claims, consuming
from report_worker.claims import Claims
from report_worker.command_queue import CommandQueue
from report_worker.consuming import CommandConsumer
from report_worker.intake import Intake, Processed
from tests.support.kafka import Record, Topics
from tests.support.lifecycle import readable
from tests.support.waiting import eventually
from waybill.kafka import (
    BrokerWatchdog,
    KafkaConfig,
    KafkaHealth,
    PartitionWatchdog,
    ask_kafka,
    clients,
    consumer,
    ensure_topics,
    is_reachable,
    partitions,
)
from waybill.kafka.clients import group_protocol
from waybill.topics import Topics as Names

PARTITIONS = 4
COMMANDS = 50
"""Of each partition."""


class Taken:
    """Notes the partitions of what it takes, and claims nothing."""

    def __init__(self) -> None:
        self.partitions: list[int] = []

    def begin(
        self,
        message: Message,
        *,
        alone: bool,  # noqa: ARG002
        read_at: int,  # noqa: ARG002
    ) -> Callable[[], Processed]:
        return lambda: self.process(message)

    def process(self, message: Message) -> None:
        self.partitions.append(message.partition() or 0)


AnyTaken = TypeVar("AnyTaken", bound=Taken)


@pytest.fixture
def commands(topics: Topics) -> str:
    """A topic of which every partition has more than anybody takes."""
    unique = uuid4().hex[:8]
    names = Names(f"fair-{unique}", f"fair-{unique}-status", f"fair-{unique}-dead-letter")
    ensure_topics(KafkaConfig(topics.bootstrap, "tests"), names, partitions=PARTITIONS, replication=1)
    readable(topics, names.report)
    records = (Record(b"{}", partition=number) for _ in range(COMMANDS) for number in range(PARTITIONS))
    topics.send(names.report, *records)
    return names.report


@contextmanager
def running(
    make: Callable[[BrokerWatchdog], Consumer],
    kafka: KafkaConfig,
    topic: str,
    group: str,
    intake: AnyTaken,
    pause: float = 0.1,
) -> Iterator[AnyTaken]:
    """What a loop and a runner take while the block runs. `pause`: between two commands, as of a slot that
    is busy."""
    stopping, queue = Event(), CommandQueue()
    loop = CommandConsumer(
        make,
        lambda: is_reachable(kafka),
        topic,
        KafkaHealth("read commands", topic=topic),
        PartitionWatchdog(ask_kafka(kafka, topic, group)),
        queue,
        lambda _: None,
    )
    reports = Claims(queue, cast(Intake, intake))

    def run() -> None:
        while not stopping.wait(pause):
            reports.next(0.1)

    threads = [Thread(target=loop.run, args=(stopping,)), Thread(target=run)]
    for thread in threads:
        thread.start()
    try:
        yield intake
    finally:
        stopping.set()
        for thread in threads:
            thread.join(30)


@pytest.fixture
def taken(topics: Topics, commands: str) -> Iterator[Taken]:
    kafka = KafkaConfig(topics.bootstrap, "tests")

    def make(watchdog: BrokerWatchdog) -> Consumer:
        return consumer(kafka, f"{commands}-group", **group_protocol("consumer"), **watchdog.settings())

    with running(make, kafka, commands, f"{commands}-group", Taken()) as taken:
        yield taken


def test_each_partition_has_its_turn(taken: Taken) -> None:
    eventually(lambda: len(taken.partitions) >= 6 * PARTITIONS, "some turns")

    later = taken.partitions[2 * PARTITIONS : 6 * PARTITIONS]
    assert all(later.count(number) >= 2 for number in range(PARTITIONS)), later


def test_a_client_that_is_stuck_is_replaced(
    topics: Topics, commands: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its watchdog is a double: librdkafka drops its brokers only by chance."""
    kafka, made, forgotten = KafkaConfig(topics.bootstrap, "tests"), list[Consumer](), Event()

    class Dying(BrokerWatchdog):
        def client_is_stuck(self) -> bool:
            return len(made) == 1 and forgotten.is_set()

    def make(watchdog: BrokerWatchdog) -> Consumer:
        options = {**group_protocol("consumer"), **watchdog.settings()}
        made.append(consumer(kafka, f"{commands}-dying", **options))
        return made[-1]

    monkeypatch.setattr(consuming, "BrokerWatchdog", Dying)
    with running(make, kafka, commands, f"{commands}-dying", Taken()) as intake:
        eventually(lambda: len(intake.partitions) > PARTITIONS, "the first commands")
        forgotten.set()
        eventually(lambda: len(made) == 2, "another client")
        before = len(intake.partitions)
        eventually(lambda: len(intake.partitions) > before, "its commands")

    assert len(made) == 2


def test_a_partition_that_the_client_reads_no_more_is_read_again(
    topics: Topics, commands: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused behind the loop's back: librdkafka loses a resumption only by chance."""
    monkeypatch.setattr(partitions, "_SILENT_SECONDS", 1.0)
    kafka, made, lost = KafkaConfig(topics.bootstrap, "tests"), list[Consumer](), 2

    class Losing(Consumer):
        """The first one."""

        def poll(self, timeout: float = -1) -> Message | None:
            message = super().poll(timeout)
            if message is not None and self is made[0]:
                self.pause([TopicPartition(commands, lost)])
            return message

        def consume(self, *_: object) -> list[Message]:
            """One after the other, so that it loses the partition before messages of it come."""
            return []

    def make(watchdog: BrokerWatchdog) -> Consumer:
        options = {**group_protocol("consumer"), **watchdog.settings()}
        made.append(consumer(kafka, f"{commands}-losing", **options))
        return made[-1]

    monkeypatch.setattr(clients, "Consumer", Losing)
    with running(make, kafka, commands, f"{commands}-losing", Taken(), pause=0) as intake:
        eventually(lambda: set(intake.partitions) >= set(range(PARTITIONS)) - {lost}, "all others")
        before = intake.partitions.count(lost)
        eventually(lambda: intake.partitions.count(lost) == COMMANDS, "its commands")

    assert len(made) == 2
    assert before <= 1, "it was lost"


def test_an_idle_consumer_is_not_stuck(topics: Topics, commands: str) -> None:
    """Heartbeats are answered, and others too."""
    kafka, responses = KafkaConfig(topics.bootstrap, "tests"), list[str]()

    class Noted(BrokerWatchdog):
        def update(self, statistics: str) -> None:
            before = self._response_at
            super().update(statistics)
            if self._response_at != before:
                responses.append(statistics)

    noted = Noted(lambda: is_reachable(kafka))
    client = consumer(kafka, f"{commands}-idle", **group_protocol("consumer"), **noted.settings())
    client.subscribe([f"{commands}-dead-letter"])

    def are_some() -> bool:
        client.poll(0.5)
        return len(responses) >= 4

    try:
        eventually(are_some, "answers, again and again")
    finally:
        client.close()

    assert is_reachable(kafka)
    assert not is_reachable(KafkaConfig("127.0.0.1:1", "tests"), 0.2)


Position = tuple[int | None, int | None]


class Poisoned(Taken):
    """Cannot process some messages, and takes every other. Every other time it cannot keep a letter."""

    def __init__(self, errors: Mapping[Position, Exception]) -> None:
        super().__init__()
        self.given_up: list[Position] = []
        self._errors = errors
        self._gives_up = cycle((False, True))

    def process(self, message: Message) -> None:
        error = self._errors.get((message.partition(), message.offset()))
        if error is not None:
            raise error
        super().process(message)

    def give_up(self, message: Message, error: Exception) -> None:
        if not next(self._gives_up):
            raise error
        self.given_up.append((message.partition(), message.offset()))


def errors_of_every_class() -> list[Exception]:
    """Those of PEP 249, and one that has nothing to do with the database."""
    classes = (*DatabaseError.__subclasses__(), InterfaceError, DatabaseError)
    return [*(one("SELECT", None, Exception("whatever")) for one in classes), ValueError("whatever")]


def test_no_error_ends_the_loop_and_poison_holds_up_no_other_partition(
    topics: Topics, commands: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_PAUSE_SECONDS", 0.01)
    kafka = KafkaConfig(topics.bootstrap, "tests")
    poison: dict[Position, Exception] = {
        (number % (PARTITIONS - 1), number // (PARTITIONS - 1)): error
        for number, error in enumerate(errors_of_every_class())
    }

    def make(watchdog: BrokerWatchdog) -> Consumer:
        return consumer(kafka, f"{commands}-poison", **group_protocol("consumer"), **watchdog.settings())

    with (
        capture_logs(),  # else each of many tracebacks is printed in colour, which takes longest here
        running(make, kafka, commands, f"{commands}-poison", Poisoned(poison), pause=0.01) as intake,
    ):
        eventually(lambda: len(intake.given_up) == len(poison), "a dead letter for each")
        before_the_last = set(intake.partitions)
        eventually(lambda: set(intake.partitions) == set(range(PARTITIONS)), "the next of each partition")

    assert sorted(intake.given_up) == sorted(poison)
    assert PARTITIONS - 1 in before_the_last
