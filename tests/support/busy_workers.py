"""Slots that are busy all the time, in the test's own process: what starts in which order."""

from collections import deque
from random import Random
from uuid import UUID

from tests.support.lifecycle_store import Store
from waybill.domain import End, Fence, NewReport, Owner, Status, new_report_id
from waybill.ledger import Committed

SLOTS, PARTITIONS = 3, 4
BOUND = 2 * SLOTS + PARTITIONS
"""Commands that are in Kafka before another's: its report starts after them at most."""

ANN, BOB, GIL = Owner("acme", "ann"), Owner("acme", "bob"), Owner("globex", "gil")


def request(store: Store, owner: Owner, priority: int = 3, kind: str = "dowork") -> UUID:
    new = NewReport(new_report_id(), kind, {}, None, owner=owner, priority=priority)
    return store.ledger.accept(new).id


class Workers:
    """Behind partitions whose messages each keep their order."""

    def __init__(self, store: Store, seed: int, partitions: int = PARTITIONS, slots: int = SLOTS) -> None:
        self._store = store
        self._random = Random(seed)
        self._slots = slots
        self.partitions: list[deque[UUID]] = [deque() for _ in range(partitions)]
        self._partition_of: dict[UUID, int] = {}
        self.running: list[Fence] = []
        self.started: list[UUID] = []
        store.hand_over = self._note
        self.bound = 2 * slots + partitions
        store.has_worker(slots, partitions)

    def _note(self, left: Committed) -> None:
        for entry in left.entries:
            for message in entry.messages:
                if message.traced:
                    partition = self._random.randrange(len(self.partitions))
                    self.partitions[partition].append(UUID(message.key))
                    self._partition_of[UUID(message.key)] = partition

    def run(self, number: int) -> None:
        """This number of reports end, and others start in their slots."""
        for _ in range(number):
            self.fill()
            if not self.running:
                return
            self.end_one()

    def fill(self) -> None:
        """Each slot runs a report, if there is a command for it."""
        while len(self.running) < self._slots and (report_id := self._next()):
            claimed = self._store.claim(report_id)
            assert claimed is not None
            self.started.append(report_id)
            self.running.append(Fence(report_id, claimed.attempt, "the test"))

    def end_one(self) -> None:
        self._store.ledger.finish(self.running.pop(0), End(Status.DONE))

    def _next(self) -> UUID | None:
        """From any partition that has one."""
        filled = [one for one in self.partitions if one]
        return self._random.choice(filled).popleft() if filled else None

    def others_before(self, report_id: UUID) -> int:
        """How many reports start, from the partition that has its command, between now and its start."""
        before = len(self.started)
        self.run(20 * self.bound)
        meanwhile = self.started[before : self.started.index(report_id)]
        partition = self._partition_of[report_id]
        return sum(self._partition_of[one] == partition for one in meanwhile)
