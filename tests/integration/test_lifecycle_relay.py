"""The outbox reaches Kafka: all of it, each key in its order, whoever publishes and whatever breaks."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from itertools import count, cycle
from threading import Event, Thread
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Producer
from sqlalchemy import Engine, text

from tests.support.kafka import Record, Topics
from tests.support.lifecycle import readable
from tests.support.lifecycle_store import Policies, Store, engine_of
from tests.support.relays import StartedRelay
from tests.support.waiting import eventually
from waybill.domain import (
    End,
    Fence,
    LeasePolicy,
    NewReport,
    Progress,
    Report,
    Status,
    StepChange,
    StepStatus,
    StepTaken,
    new_report_id,
)
from waybill.kafka import KafkaConfig, KafkaHealth, ensure_topics, producer
from waybill.ledger import Committed, Entry
from waybill.ledger.batch import write_all
from waybill.ledger.writes import Conclusion
from waybill.outbox import Publisher, RelayPolicy
from waybill.outbox.publisher import Published
from waybill.store import OutboxMessage, Publication
from waybill.store.statements import outbox, publications, records
from waybill.store.statements.publications import AGAIN
from waybill.topics import Topics as Names

pytest_plugins = ["tests.support.lifecycle_fixtures"]

QUICK = RelayPolicy(
    sweep=timedelta(seconds=0.2), left_after=timedelta(seconds=0.5), pause=timedelta(seconds=0.2)
)
RELAY = "relay"
STEP = StepChange("a step", StepStatus.RUNNING)


@pytest.fixture
def names(topics: Topics) -> Names:
    unique = uuid4().hex[:8]
    made = Names(f"relay-{unique}", f"relay-{unique}-status", f"relay-{unique}-dead-letter")
    ensure_topics(KafkaConfig(topics.bootstrap, "tests"), made, partitions=3, replication=1)
    for name in (made.report, made.report_status):
        readable(topics, name)
    return made


@pytest.fixture
def changes(store: Store, names: Names) -> Store:
    """The store that the tests change; who publishes is their choice."""
    return Store(store.engine, store.artefacts, Policies(topics=names))


class Start(Protocol):
    def __call__(self, publisher: type[Publisher] = ..., policy: RelayPolicy = ...) -> StartedRelay: ...


@pytest.fixture
def start_relay(names: Names, store_url: str, topics: Topics) -> Iterator[Start]:
    """Relays as processes of their own have them: each with its own engine and producer."""
    relays: list[StartedRelay] = []
    config = KafkaConfig(topics.bootstrap, "tests")
    with ExitStack() as engines:

        def start(publisher: type[Publisher] = Publisher, policy: RelayPolicy = QUICK) -> StartedRelay:
            engine = engines.enter_context(engine_of(store_url, 2, RELAY))
            relay = StartedRelay(engine, names, lambda: publisher(producer(config), "tests"), policy)
            relays.append(relay)
            return relay

        yield start
        for relay in relays:
            assert relay.stop(timedelta(seconds=30))


@pytest.fixture
def impatient(topics: Topics) -> type[Publisher]:
    """Gives a message up after a second."""

    class Impatient(Publisher):
        def __init__(self, _: Producer, name: str) -> None:
            config = KafkaConfig(topics.bootstrap, "tests")
            super().__init__(producer(config, delivery_timeout_ms=1000), name)

    return Impatient


def slow_publisher() -> tuple[Event, Event, type[Publisher]]:
    """Sets the first event when it is to publish something, and waits for the second."""
    publishing, goes_on = Event(), Event()

    class Slow(Publisher):
        def publish(self, batch: Sequence[OutboxMessage]) -> Published:
            publishing.set()
            assert goes_on.wait(60)
            return super().publish(batch)

    return publishing, goes_on, Slow


def begun(store: Store) -> Fence:
    report = store.ledger.accept(NewReport(new_report_id(), "slow", {}, None))
    assert store.claim(report.id, "the test") is not None
    return Fence(report.id, 1, "the test")


def emptied(store: Store) -> None:
    eventually(lambda: store.recovery.backlog().messages == 0, "an empty outbox")


def versions(records: Sequence[Record]) -> list[int]:
    return [int(record.json["version"]) for record in records]


def test_several_relays_keep_each_keys_order_and_lose_nothing(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    changes.has_worker(slots=6)
    relays = cycle([start_relay(Publisher, RelayPolicy()) for _ in range(4)])
    changes.hand_over = lambda left: next(relays).hand_over(left)

    def live() -> UUID:
        fence = begun(changes)
        for number in range(12):
            changes.ledger.steps(fence, [StepTaken(STEP, Progress("a step", number, 12))])
        changes.ledger.finish(fence, End(Status.DONE))
        return fence.report_id

    with ThreadPoolExecutor(6) as pool:
        report_ids = [future.result() for future in [pool.submit(live) for _ in range(24)]]

    emptied(changes)
    told_of: dict[bytes | None, list[Record]] = {}
    for record in topics.records(names.report_status):
        told_of.setdefault(record.key, []).append(record)
    for report_id in report_ids:
        told = versions(told_of.pop(str(report_id).encode()))
        assert told == sorted(told)
        assert set(told) == set(range(1, 16))
    assert not told_of
    commands = topics.records(names.report)
    assert sorted(record.json["report_id"] for record in commands) == sorted(map(str, report_ids))


def test_a_relay_that_is_busy_gathers_what_comes_and_an_idle_one_does_not(
    changes: Store, start_relay: Start
) -> None:
    batches: list[set[str]] = []

    class Noted(Publisher):
        def publish(self, batch: Sequence[OutboxMessage]) -> Published:
            batches.append({message.key for message in batch})
            return super().publish(batch)

    relay = start_relay(Noted, RelayPolicy(linger=timedelta(seconds=1), left_after=timedelta(minutes=1)))
    changes.hand_over = relay.hand_over

    def accepted() -> str:
        return str(changes.ledger.accept(NewReport(new_report_id(), "dowork", {}, None)).id)

    first = accepted()
    eventually(lambda: batches, "the first, at once")
    others = {accepted() for _ in range(5)}
    emptied(changes)

    assert batches == [{first}, others]


def test_what_a_dead_process_left_is_swept_in_order(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    """No relay gets what is to be published."""
    fences = [begun(changes) for _ in range(20)]
    for fence in fences:
        changes.ledger.finish(fence, End(Status.DONE))

    for _ in range(2):
        start_relay(Publisher)
    emptied(changes)

    for fence in fences:
        assert versions(topics.records_of(names.report_status, fence.report_id)) == [1, 2, 3]


def test_what_a_dead_process_left_is_swept_by_one_that_is_never_idle(
    changes: Store, start_relay: Start
) -> None:
    relay = start_relay(Publisher)
    busy = Event()

    def hand_over() -> None:
        while not busy.wait(QUICK.sweep.total_seconds() / 10):
            row = Publication(report_id := uuid4(), 1, 1)
            relay.hand_over(Committed([Entry(row, str(report_id), [])], {}, time.monotonic()))

    others = Thread(target=hand_over)
    others.start()
    try:
        begun(changes)
        emptied(changes)
    finally:
        busy.set()
        others.join()


def put_away(store: Store, count: int) -> Committed:
    """Messages for a topic that does not exist."""
    messages = [
        OutboxMessage(f"{store.topics.report}-away", str(uuid4()), {"version": 1}) for _ in range(count)
    ]
    since = time.monotonic()
    with store.transactions.reading() as connection:
        ids = outbox.put(connection, messages)
    entries = [Entry(row, message.key, [message]) for row, message in zip(ids, messages, strict=True)]
    return Committed(entries, {}, since)


def test_a_topic_that_is_away_holds_up_no_other(
    changes: Store, names: Names, start_relay: Start, impatient: type[Publisher], topics: Topics
) -> None:
    """Messages of other keys are neither kept back nor sent again and again."""
    put_away(changes, 1)
    fences = [begun(changes) for _ in range(5)]

    start_relay(impatient)

    eventually(lambda: changes.recovery.backlog().messages == 1, "all but one message")
    for fence in fences:
        told = versions(topics.records_of(names.report_status, fence.report_id))
        assert told[:2] == [1, 2]
        assert len(told) <= 4, "the first try, and once more where that was not heard of"


def test_a_topic_that_is_away_for_long_holds_up_nothing_that_was_left(
    changes: Store, names: Names, start_relay: Start, impatient: type[Publisher]
) -> None:
    """More of its messages than a batch takes are the oldest."""
    away = RelayPolicy().batch + 1
    put_away(changes, away)
    left = [str(begun(changes).report_id) for _ in range(5)]
    relay = start_relay(impatient)
    changes.hand_over = relay.hand_over

    def published() -> bool:
        begun(changes)  # others get through meanwhile
        relay.hand_over(put_away(changes, 1))  # and more of its own come, so that no turn goes well
        with changes.engine.connect() as connection:
            return not publications.waiting(connection, left)

    eventually(published, "what a dead process has left")
    assert changes.recovery.backlog().messages >= away


def test_what_another_relay_has_taken_over_is_told_again(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    """What the first has sent may still arrive, after the newer messages of the other."""
    tried = Event()

    class Deaf(Publisher):
        def publish(self, batch: Sequence[OutboxMessage]) -> Published:
            tried.set()
            return Published(failed={place: "no answer" for place, _ in enumerate(batch)})

    changes.hand_over = start_relay(Deaf).hand_over
    fence = begun(changes)
    assert tried.wait(30)
    start_relay(Publisher)

    def told() -> list[int]:
        return versions(topics.records_of(names.report_status, fence.report_id))

    eventually(lambda: told()[:3] == [1, 2, 2], "the newest once more")


class OutOfTime(Publisher):
    """Three seconds go by whenever it looks at the clock."""

    def __init__(self, client: Producer, name: str) -> None:
        super().__init__(client, name, clock=count(step=3.0).__next__)


@pytest.mark.parametrize("publisher", [Publisher, OutOfTime])
def test_a_message_that_the_broker_refuses_takes_no_other_with_it(
    changes: Store, names: Names, start_relay: Start, topics: Topics, publisher: type[Publisher]
) -> None:
    """The broker refuses all of a produce request; there may be no time to send each message again."""
    topics.take_messages_of(names.report_status, 2000)
    keys = [str(uuid4()) for _ in range(6)]
    sizes = [1, 1, 5000, 1, 5000, 1]
    messages = [
        OutboxMessage(names.report_status, key, {"version": version, "x": "y" * size})
        for version in (1, 2)
        for key, size in zip(keys, sizes, strict=True)
    ]
    with changes.transactions.reading() as connection:
        outbox.put(connection, messages)

    start_relay(publisher)
    emptied(changes)

    for key, size in zip(keys, sizes, strict=True):
        told = versions(topics.records_of(names.report_status, key))
        assert told[-2:] == ([1, 2] if size == 1 else [])


def cut_the_relays(engine: Engine) -> int:
    """Ends every connection that has locked messages of the outbox, as a network that breaks does."""
    statement = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction' AND application_name = :name
    """
    with engine.connect() as connection:
        return int(connection.execute(text(statement), {"name": RELAY}).scalar_one())


def test_a_connection_cut_after_the_acknowledgement_publishes_again(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    """The broker has the messages, the outbox still has them too: at least once, and the last is the row."""
    cuts: list[int] = []

    class CutAfterwards(Publisher):
        def publish(self, batch: Sequence[OutboxMessage]) -> Published:
            outcome = super().publish(batch)
            if not cuts:
                cuts.append(cut_the_relays(changes.engine))
            return outcome

    fence = begun(changes)
    changes.ledger.finish(fence, End(Status.DONE))

    start_relay(CutAfterwards)
    emptied(changes)

    assert cuts == [1]
    told = versions(topics.records_of(names.report_status, fence.report_id))
    assert sorted(set(told)) == [1, 2, 3]
    assert len(told) > 3, "what was cut off is published again"
    assert told[-1] == 3


def test_old_news_that_comes_late_is_followed_by_the_newest(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    """A relay loses its locks before it has sent: another one is quicker, with newer messages."""
    late: list[UUID] = []

    class CutBefore(Publisher):
        def publish(self, batch: Sequence[OutboxMessage]) -> Published:
            if not late:
                late.append(fence.report_id)
                assert cut_the_relays(changes.engine) == 1
                changes.ledger.finish(fence, End(Status.DONE))
                start_relay(Publisher)
                eventually(lambda: told() == [1, 2, 3], "the quicker relay's messages")
            return super().publish(batch)

    def told() -> list[int]:
        return versions(topics.records_of(names.report_status, fence.report_id))

    fence = begun(changes)
    changes.pass_time(QUICK.left_after)  # both messages are left over: one look finds them
    start_relay(CutBefore)
    eventually(lambda: len(told()) > 3, "old news")

    eventually(lambda: told()[-1] == 3, "the newest again")
    emptied(changes)
    assert told()[:5] == [1, 2, 3, 1, 2]
    assert told()[-1] == 3


def test_a_relay_whose_messages_another_has_published_notices_that_kafka_is_back(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    """The command is published by the other: this one sends nothing on its topic that would show it."""
    health, made = KafkaHealth("publish messages"), list[Publisher]()
    away = KafkaConfig("127.0.0.1:1", "tests")

    class AwayAtFirst(Publisher):
        def __init__(self, client: Producer, name: str) -> None:
            self._away = not made
            made.append(self)
            if self._away:
                client = producer(away, delivery_timeout_ms=1000)
            super().__init__(client, name, health=health)

        def warm_up(self) -> None:
            """Would wait for it."""

        def publish(self, batch: Sequence[OutboxMessage]) -> Published:
            outcome = super().publish(batch)
            if self._away:
                assert health.problem
                start_relay(Publisher)
                eventually(lambda: changes.recovery.backlog().messages == 0, "the other's messages")
            return outcome

    changes.hand_over = start_relay(AwayAtFirst).hand_over
    report = changes.ledger.accept(NewReport(new_report_id(), "slow", {}, None))

    eventually(lambda: topics.records_of(names.report, report.id), "the command")
    eventually(lambda: len(made) > 1 and health.problem is None, "no problem")


def test_a_process_that_was_paused_before_it_published_tells_the_newest_again(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    """Meanwhile another one has taken what it left, and published more."""
    paused, goes_on = Event(), Event()

    class Paused(Publisher):
        def publish(self, batch: Sequence[OutboxMessage]) -> Published:
            if not paused.is_set():
                paused.set()
                assert goes_on.wait(60)
            return super().publish(batch)

    def told() -> list[int]:
        return versions(topics.records_of(names.report_status, report.id))

    changes.hand_over = start_relay(Paused).hand_over
    report = changes.ledger.accept(NewReport(new_report_id(), "slow", {}, None))
    assert paused.wait(30)
    changes.hand_over = start_relay(Publisher).hand_over
    assert changes.claim(report.id) is not None
    eventually(lambda: told() == [1, 2], "the other's messages")
    goes_on.set()

    eventually(lambda: told()[2:4] == [1, 2], "the late one, and the newest again")
    emptied(changes)
    assert told()[-1] == 2


def test_what_a_process_commits_waits_for_what_another_has_not_published(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    """And is published as soon as that is deleted, without waiting for the sweep."""
    publishing, goes_on, slow = slow_publisher()
    never_swept = RelayPolicy(sweep=timedelta(hours=1), left_after=timedelta(hours=1))
    changes.hand_over = start_relay(slow, never_swept).hand_over
    report = changes.ledger.accept(NewReport(new_report_id(), "slow", {}, None))
    assert publishing.wait(30)
    changes.hand_over = start_relay(Publisher, never_swept).hand_over
    assert changes.claim(report.id) is not None
    assert topics.records_of(names.report_status, report.id) == []

    goes_on.set()

    emptied(changes)
    assert versions(topics.records_of(names.report_status, report.id)) == [1, 2]


def test_what_comes_after_a_batch_that_failed_does_not_overtake_the_rest(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    """All that was ready with it is left to the sweep."""
    publishing, goes_on, failed = Event(), Event(), Event()

    class FailsOnce(Publisher):
        def publish(self, batch: Sequence[OutboxMessage]) -> Published:
            publishing.set()
            assert goes_on.wait(60)
            if batch[0].key == str(second.id) and not failed.is_set():
                failed.set()
                raise RuntimeError("made to fail")
            return super().publish(batch)

    def requested() -> Report:
        return changes.ledger.accept(NewReport(new_report_id(), "slow", {}, None))

    one_by_one = RelayPolicy(batch=1, left_after=timedelta(seconds=2), pause=timedelta(seconds=0.1))
    changes.hand_over = start_relay(FailsOnce, one_by_one).hand_over
    requested()
    assert publishing.wait(30)
    second, third = requested(), requested()
    goes_on.set()
    assert failed.wait(30)
    assert changes.claim(third.id) is not None

    emptied(changes)
    assert versions(topics.records_of(names.report_status, third.id)) == [1, 2]


def republish(store: Store, report_id: UUID) -> None:
    with store.transactions.changes() as changes:
        changes.republish_latest([str(report_id)])


def test_republishing_waits_for_a_change_under_way(changes: Store) -> None:
    """Else it would publish an old event after the new one."""
    fence = begun(changes)
    republisher = Thread(target=republish, args=(changes, fence.report_id))
    step = StepTaken(STEP, Progress("a step", 0, 1))

    with changes.ledger.changes() as under_way:
        write_all(under_way, [Conclusion(fence, End(Status.DONE), [step])], LeasePolicy())
        republisher.start()
        republisher.join(0.5)  # as long as it takes where it does not wait
    republisher.join(30)

    assert waiting(changes, fence.report_id) == [(AGAIN, 4), (1, 1), (2, 2), (3, 4)]


def test_what_is_published_again_comes_after_what_another_process_publishes_now(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    publishing, goes_on, slow = slow_publisher()
    report = changes.ledger.accept(NewReport(new_report_id(), "slow", {}, None))
    start_relay(slow)
    assert publishing.wait(30), "the sweep, which has locked it"
    republish(changes, report.id)
    assert waiting(changes, report.id) == [(AGAIN, 1), (1, 1)]
    assert changes.claim(report.id) is not None
    goes_on.set()

    emptied(changes)
    assert versions(topics.records_of(names.report_status, report.id)) == [1, 1, 2]
    assert len(topics.records_of(names.report, report.id)) == 1


def test_what_is_published_again_stays_when_another_process_forgets_what_it_has_published(
    changes: Store,
) -> None:
    """A process publishes from memory, without a lock, and deletes the row later."""
    report = changes.ledger.accept(NewReport(new_report_id(), "slow", {}, None))
    (of_its_change,) = waiting(changes, report.id)
    republish(changes, report.id)

    with changes.transactions.changes() as forgetting:
        records.put(forgetting.connection, [], [], [Publication(report.id, *of_its_change, command=True)])()

    assert waiting(changes, report.id) == [(AGAIN, 1)]


def test_republishing_keeps_the_command_that_waits_with_the_event(
    changes: Store, names: Names, start_relay: Start, topics: Topics
) -> None:
    report = changes.ledger.accept(NewReport(new_report_id(), "slow", {}, None))
    changes.hand_over = start_relay(Publisher).hand_over

    republish(changes, report.id)

    emptied(changes)
    assert versions(topics.records_of(names.report_status, report.id)) == [1, 1]
    assert len(topics.records_of(names.report, report.id)) == 1


def waiting(store: Store, report_id: UUID) -> list[tuple[int, int]]:
    statement = text(
        "SELECT first_version, last_version FROM publications WHERE report_id = :id"
        " ORDER BY first_version, last_version"
    )
    with store.engine.begin() as connection:
        return [(first, last) for first, last in connection.execute(statement, {"id": report_id})]


def test_topics_that_were_made_anew_get_what_waited(
    changes: Store, names: Names, start_relay: Start, impatient: type[Publisher], topics: Topics
) -> None:
    """A publisher whose messages were not taken is replaced: its client may know the old topics for long."""
    made: list[Publisher] = []

    class Counted(impatient):  # type: ignore[valid-type, misc]
        def __init__(self, client: Producer, *names: str) -> None:
            super().__init__(client, *names)
            made.append(self)

    changes.hand_over = start_relay(Counted).hand_over
    begun(changes)
    emptied(changes)
    topics.remove(names.report, names.report_status)
    second = begun(changes)
    eventually(lambda: len(made) > 1, "another publisher")

    ensure_topics(KafkaConfig(topics.bootstrap, "tests"), names, partitions=3, replication=1)

    emptied(changes)
    told = versions(topics.records_of(names.report_status, second.report_id))
    assert told[:2] == [1, 2]
    assert set(told[2:]) <= {2}  # the newest is told again, as the first try may still have come through
