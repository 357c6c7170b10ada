"""Which command a runner may take, and when; and which offsets may be stored."""

import threading
from datetime import timedelta

from confluent_kafka import Message
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from report_worker.command_queue import CommandQueue
from report_worker.read_ahead import ReadCommand

MINUTE = timedelta(minutes=1)


class World:
    """A clock that is set by hand, and a queue with some commands of two partitions."""

    def __init__(self, *commands: tuple[int, int]) -> None:
        self.now = 100.0
        self.queue = CommandQueue(lambda: self.now)
        self.queue.add([message(partition, offset) for partition, offset in commands])

    def take(self) -> ReadCommand:
        command = self.queue.take()
        assert command is not None
        return command

    @property
    def stored(self) -> set[tuple[int | None, int | None]]:
        return {(one.partition(), one.offset()) for one in self.queue.done_with()}


def message(partition: int, offset: int) -> Message:
    return Message(topic="report", partition=partition, offset=offset, value=b"{}")


def position(command: ReadCommand) -> tuple[int | None, int | None]:
    return command.message.partition(), command.message.offset()


def test_a_runner_waits_for_a_command() -> None:
    queue = CommandQueue()
    taken: list[ReadCommand | None] = []
    runner = threading.Thread(target=lambda: taken.append(queue.take(30)))
    runner.start()

    queue.add([message(0, 0)])
    runner.join(30)

    assert [one and position(one) for one in taken] == [(0, 0)]


def test_a_runner_that_waits_ends_with_its_worker() -> None:
    queue = CommandQueue()
    taken: list[ReadCommand | None] = []
    runner = threading.Thread(target=lambda: taken.append(queue.take(3600)))
    runner.start()

    queue.stop()
    runner.join(30)

    assert taken == [None]
    queue.add([message(0, 0)])
    assert queue.take() is None


def test_a_runner_whose_slot_has_died_while_it_waited_leaves_the_command_to_others() -> None:
    world = World()
    is_waiting, is_dead = threading.Event(), threading.Event()
    taken: list[ReadCommand | None] = []

    def is_alive() -> bool:
        is_waiting.set()
        return not is_dead.is_set()

    runner = threading.Thread(target=lambda: taken.append(world.queue.take(30, is_alive)))
    runner.start()
    is_waiting.wait(30)

    is_dead.set()
    world.queue.add([message(0, 0)])
    runner.join(30)

    assert taken == [None]
    assert position(world.take()) == (0, 0)


def test_a_failure_costs_every_runner_a_pause_and_the_command_is_tried_again() -> None:
    world = World((0, 0), (0, 1))
    first = world.take()

    world.queue.put_back(first, pause=1)
    assert world.queue.take() is None

    world.now += 1
    assert world.take() is first


def test_an_offset_is_stored_once_all_before_it_are_done_with() -> None:
    world = World((0, 0), (0, 1), (1, 0))
    first, other, second = world.take(), world.take(), world.take()

    world.queue.started(second, alone=False)
    world.queue.done(other)
    assert world.stored == {(1, 0)}

    world.queue.started(first, alone=False)
    assert world.stored == {(0, 1)}


def test_what_becomes_of_a_command_of_a_revoked_partition_changes_nothing() -> None:
    """Neither while another worker has the partition, nor once it came back."""
    world = World((0, 0), (0, 1), (0, 2))
    done, returned, needs = world.take(), world.take(), world.take()
    world.queue.drop({0})
    world.queue.add([message(0, 0)])

    world.queue.done(done)
    world.queue.put_back(returned)
    assert world.queue.make_room(needs, MINUTE)

    assert world.stored == set()
    again = world.take()
    assert again not in (done, returned, needs)
    assert world.queue.take() is None
    world.queue.done(again)
    assert world.stored == {(0, 0)}


def test_room_is_made_until_every_running_report_has_ended() -> None:
    world = World((0, 0), (1, 0), (0, 1), (1, 1))
    running, claiming, killer = world.take(), world.take(), world.take()
    world.queue.started(running, alone=False)

    assert world.queue.make_room(killer, MINUTE)
    assert world.queue.take() is None
    world.queue.started(claiming, alone=False)
    world.queue.ended()
    assert world.queue.take() is None, "one runs that was being claimed meanwhile"

    world.queue.ended()
    assert world.take() is killer
    assert killer.alone
    assert world.queue.take() is None, "nothing beside it, while it is claimed"
    world.queue.started(killer, alone=True)
    assert world.queue.take() is None, "and while it runs"
    world.queue.ended()
    assert position(world.take()) == (1, 1)


def test_what_need_not_run_alone_any_more_lets_others_run() -> None:
    """It was redriven while room was made."""
    world = World((0, 0), (1, 0))
    killer = world.take()
    world.queue.make_room(killer, MINUTE)

    world.queue.started(world.take(), alone=False)

    assert position(world.take()) == (1, 0)


def test_a_report_without_enough_room_is_postponed_and_others_have_their_turn() -> None:
    world = World((0, 0), (1, 0), (1, 1))
    running, killer = world.take(), world.take()
    world.queue.started(running, alone=False)
    world.queue.make_room(killer, MINUTE)

    world.now += 61
    assert world.take() is killer, "a last try"
    assert not killer.alone
    other = world.take()
    assert position(other) == (1, 1)
    assert not world.queue.make_room(killer, MINUTE)
    world.queue.done(killer)
    world.queue.started(other, alone=False)

    assert world.stored == {(0, 0), (1, 1)}


def test_two_that_must_run_alone_have_room_one_after_the_other() -> None:
    world = World((0, 0), (1, 0))
    first, second = world.take(), world.take()

    assert world.queue.make_room(first, MINUTE)
    assert world.queue.make_room(second, MINUTE)

    assert world.take() is first
    world.queue.started(first, alone=True)
    world.queue.ended()
    assert world.take() is second
    assert not second.alone, "its own room comes first"
    assert world.queue.make_room(second, MINUTE)
    assert world.take() is second
    assert second.alone


def test_a_claim_alone_that_failed_is_tried_again_alone() -> None:
    world = World((0, 0), (1, 0))
    killer = world.take()
    world.queue.make_room(killer, MINUTE)

    world.queue.put_back(world.take(), pause=1)
    world.now += 1

    assert world.take() is killer
    assert killer.alone


def test_room_ends_with_the_partition_whose_report_it_was_for() -> None:
    world = World((0, 0), (1, 0), (1, 1))
    running, killer = world.take(), world.take()
    world.queue.started(running, alone=False)
    world.queue.make_room(killer, MINUTE)

    world.queue.drop({1})
    world.queue.add([message(0, 1)])

    assert position(world.take()) == (0, 1)


def test_a_worker_that_stops_waits_for_what_it_has_taken() -> None:
    world = World((0, 0))
    command = world.take()
    world.queue.stop()
    assert not world.queue.wait_until_idle(timedelta(0))

    world.queue.started(command, alone=False)
    threading.Timer(0.05, world.queue.ended).start()

    assert world.queue.wait_until_idle(timedelta(seconds=30))


class Runners(RuleBasedStateMachine):
    """Several runners, partitions that come and go, and reports of which every third must run alone."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.queue = CommandQueue(lambda: self.now)
        self.taken: list[ReadCommand] = []
        self.running: list[ReadCommand] = []
        self.read: dict[int, list[Message]] = {0: [], 1: []}
        self.settled: dict[int, Message] = {}
        self.stored = {0: -1, 1: -1}

    @rule(partition=st.integers(0, 1), count=st.integers(1, 3))
    def add(self, partition: int, count: int) -> None:
        first = len(self.read[partition])
        messages = [message(partition, first + number) for number in range(count)]
        self.read[partition] += messages
        self.queue.add(messages)

    @rule()
    def take(self) -> None:
        before = [*self.taken, *self.running]
        command = self.queue.take()
        if command is not None:
            assert command not in before, "nothing is taken twice"
            assert not any(one.alone for one in before), "nothing beside one that runs alone"
            assert not (command.alone and before)
            self.taken.append(command)

    @rule(index=st.integers(0, 9), fails=st.booleans())
    def settle(self, index: int, fails: bool) -> None:
        if not self.taken:
            return
        command = self.taken.pop(index % len(self.taken))
        must_run_alone = command.number % 3 == 0
        if fails:
            self.queue.put_back(command, pause=1)
        elif must_run_alone and not command.alone:
            if not self.queue.make_room(command, MINUTE):
                self._settled(command)
                self.queue.done(command)
        else:
            self._settled(command)
            self.running.append(command)
            self.queue.started(command, alone=must_run_alone)

    @rule(index=st.integers(0, 9))
    def end(self, index: int) -> None:
        if self.running:
            self.running.pop(index % len(self.running))
            self.queue.ended()

    @rule(seconds=st.sampled_from([0.5, 2.0, 90.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(partition=st.integers(0, 1))
    def revoke(self, partition: int) -> None:
        """It comes back later, from the stored offset on, as new messages."""
        self.queue.drop({partition})
        self.read[partition] = self.read[partition][: self.stored[partition] + 1]

    @rule()
    def store(self) -> None:
        for stored in self.queue.done_with():
            partition, offset = stored.partition() or 0, stored.offset() or 0
            assert offset > self.stored[partition]
            self.stored[partition] = offset

    @invariant()
    def nothing_is_stored_that_is_not_done_with(self) -> None:
        for partition, read in self.read.items():
            assert all(id(one) in self.settled for one in read[: self.stored[partition] + 1])

    def _settled(self, command: ReadCommand) -> None:
        self.settled[id(command.message)] = command.message

    def teardown(self) -> None:
        """All that is left ends: nothing is lost, and nothing holds up the others for ever."""
        for _ in range(1000):
            self.take()
            if self.taken:
                self.settle(0, fails=False)
            elif self.running:
                self.end(0)
            else:
                self.wait(2.0)
                self.take()
                if not self.taken:
                    break
        self.store()
        assert {one: len(read) - 1 for one, read in self.read.items()} == self.stored


def test_runners_in_any_order() -> None:
    run_state_machine_as_test(
        Runners, settings=settings(max_examples=200, stateful_step_count=40, deadline=None)
    )
