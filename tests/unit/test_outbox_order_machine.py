"""Whatever processes commit, publish, fail to publish and sweep, the events of a report come in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.unit.test_outbox_order import REPORT, row
from waybill.ledger import Committed, Entry
from waybill.outbox.order import Order, Waiting
from waybill.store import Publication

KEY = str(REPORT)
FRESH_FOR, LEFT_AFTER = 1.5, 3.0

PROCESSES = st.integers(0, 1)
USUALLY = st.integers(0, 4).map(bool)
"""True, but for one time in five."""


@dataclass
class Process:
    """`pending`: what its transactions have committed, and its relay has not taken. `looking_since`: when a
    transaction began that has yet to look."""

    order: Order
    pending: list[Committed] = field(default_factory=list)
    looking_since: float | None = None
    published: list[Publication] = field(default_factory=list)


class OrderMachine(RuleBasedStateMachine):
    """One report, and next to no time that passes while something is published: so no process is in doubt of
    what it has published in time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.processes = [Process(Order(FRESH_FOR, self._clock)) for _ in range(2)]
        self.table: dict[Publication, float] = {}
        self.version = 0
        self.events: list[int] = []

    @rule(seconds=st.sampled_from([0.8, 0.8, 0.3, 1.6, 3.1]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(which=PROCESSES, versions=st.integers(1, 2), at_once=USUALLY)
    def change(self, which: int, versions: int, at_once: bool) -> None:
        """`at_once`: the relay takes its turn right after it."""
        process = self.processes[which]
        new = row(self.version + 1, self.version + versions)
        entry = Entry(new, KEY, [])
        process.pending.append(Committed([entry], {KEY: list(self.table)}, self._clock()))
        self.table[new] = self.now
        self.version = new.last
        if at_once:
            self.publish(which, works=True, reverse=False)

    @rule(which=PROCESSES)
    def begin_to_look(self, which: int) -> None:
        """Others may commit before it looks, of the same process too."""
        self.processes[which].looking_since = self._clock()

    @rule(which=PROCESSES, at_once=USUALLY)
    def look(self, which: int, at_once: bool) -> None:
        """A transaction that only looks, and deletes what was published."""
        process = self.processes[which]
        waiting = list(self.table)
        self._delete(process.published)
        since = process.looking_since or self._clock()
        process.looking_since = None
        process.pending.append(Committed([], {KEY: waiting}, since, [KEY]))
        process.order.deleted(process.published)
        process.published = []
        if at_once:
            self.publish(which, works=True, reverse=False)

    @rule(which=PROCESSES, works=USUALLY, reverse=st.booleans())
    def publish(self, which: int, works: bool, reverse: bool) -> None:
        """What threads have committed, the relay may take in another order."""
        process = self.processes[which]
        for one in reversed(process.pending) if reverse else process.pending:
            process.order.add(one)
        process.pending = []
        ready = process.order.take_ready()
        if works:
            self._publish([one.entry.row for one in ready])
            process.published += _rows(ready)
        else:
            process.order.not_published(one.entry.row for one in ready)

    @rule()
    def sweep(self) -> None:
        old = sorted(
            (one for one, at in self.table.items() if self.now - at > LEFT_AFTER), key=lambda one: one.first
        )
        self._publish(old)
        self._delete(old)

    @invariant()
    def no_event_comes_before_one_that_was_never_published(self) -> None:
        first_time = list(dict.fromkeys(self.events))
        assert first_time == sorted(first_time), self.events
        assert first_time == list(range(1, len(first_time) + 1)), self.events

    def teardown(self) -> None:
        """Nothing is left."""
        self.now += 10
        self.sweep()
        self.no_event_comes_before_one_that_was_never_published()
        assert set(self.events) == set(range(1, self.version + 1))

    def _clock(self) -> float:
        """No two readings are the same."""
        self.now += 1e-6
        return self.now

    def _publish(self, rows: Sequence[Any]) -> None:
        for one in rows:
            self.events += range(one.first, one.last + 1)

    def _delete(self, rows: Sequence[Publication]) -> None:
        for one in rows:
            self.table.pop(one, None)


def _rows(ready: Sequence[Waiting]) -> list[Publication]:
    return [one.entry.row for one in ready if isinstance(one.entry.row, Publication)]


TestOrderMachine = OrderMachine.TestCase
TestOrderMachine.settings = settings(max_examples=500, stateful_step_count=30, deadline=None)
