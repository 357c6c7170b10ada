"""Whose report is next, where weights or limits say more than that all have the same."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from uuid import UUID

from waybill.domain.access import Owner
from waybill.domain.limits import Holder, HolderLimits, Level


@dataclass(frozen=True)
class Share:
    """What a tenant or an owner may have under way: by its `weight`, and `max_running` at most."""

    weight: int = 1
    max_running: int | None = None

    def is_used_up(self, number: int) -> bool:
        return self.max_running is not None and number >= self.max_running

    def place(self, number: int) -> float:
        """Of one that has this number under way: the lowest is next. One that has none is, whatever the
        weights: it waits for no more than the commands that are there."""
        return number / self.weight


class Shares:
    """Of each tenant, and of each of its owners."""

    def __init__(self, limits: Iterable[HolderLimits]) -> None:
        self._values = {row.holder: row.values for row in limits}
        self._tenants: dict[str, Share] = {}
        self._owners: dict[Owner, Share] = {}

    def of_tenant(self, tenant: str) -> Share:
        found = self._tenants.get(tenant)
        if found is None:
            found = self._of(Holder(Level.TENANT, tenant), Holder(Level.TENANT))
            self._tenants[tenant] = found
        return found

    def of_owner(self, owner: Owner) -> Share:
        found = self._owners.get(owner)
        if found is None:
            tenant, name = owner.tenant, owner.name
            found = self._of(
                Holder(Level.OWNER, tenant, name), Holder(Level.OWNER, tenant), Holder(Level.OWNER)
            )
            self._owners[owner] = found
        return found

    def _of(self, *holders: Holder) -> Share:
        """Value by value, the first that has one, as `values_for`, which would look at all rows."""
        found = [self._values[holder] for holder in holders if holder in self._values]
        weights = (values.weight for values in found if values.weight is not None)
        most = (values.max_running for values in found if values.max_running is not None)
        return Share(next(weights, 1), next(most, None))


@dataclass(frozen=True)
class UnderWay:
    """How many of an owner's reports of a kind have a command, or run."""

    owner: Owner
    kind: str
    number: int


@dataclass(frozen=True)
class Waiting:
    """A report that may have a turn."""

    id: UUID
    owner: Owner
    kind: str
    priority: int
    requested_at: datetime

    @property
    def place(self) -> tuple[int, datetime, UUID]:
        """Among its owner's."""
        return self.priority, self.requested_at, self.id


class Turns:
    """Of the tenants, the one of which the least is under way for its weight has the next turn, and so has,
    within it, one of its owners; among equals chance decides. Who has as much as is allowed has none, and a
    kind of which as many as may run are under way has none."""

    def __init__(
        self,
        shares: Shares,
        kinds: Mapping[str, int | None],
        under_way: Iterable[UnderWay],
        chance: Callable[[], float],
    ) -> None:
        """`kinds`: how many of a kind may be under way, None or no entry for any number."""
        self._shares = shares
        self._most = kinds
        self._chance = chance
        self._tenants: Counter[str] = Counter()
        self._owners: Counter[Owner] = Counter()
        self._kinds: Counter[str] = Counter()
        for one in under_way:
            self._count(one.owner, one.number)
            self._kinds[one.kind] += one.number

    def admits_tenant(self, tenant: str) -> bool:
        return not self._shares.of_tenant(tenant).is_used_up(self._tenants[tenant])

    def admits_owner(self, owner: Owner) -> bool:
        return not self._shares.of_owner(owner).is_used_up(self._owners[owner])

    def admits_kind(self, kind: str) -> bool:
        most = self._most.get(kind)
        return most is None or self._kinds[kind] < most

    def tenants(self, waiting: Iterable[str]) -> list[str]:
        """Those that may have a turn, the next one first."""
        return sorted(filter(self.admits_tenant, waiting), key=self._place_of_tenant)

    def owners(self, waiting: Iterable[Owner], number: int) -> list[Owner]:
        """Of one tenant, those that may have one of the next `number` turns, the next one first."""
        return nsmallest(number, filter(self.admits_owner, waiting), key=self._place_of_owner)

    def plan(self, owners: Collection[Owner], number: int) -> Counter[Owner]:
        """How many of the next turns each of the owners would have, if enough of each waited."""
        trial = Turns(self._shares, {}, (), self._chance)
        trial._tenants, trial._owners = self._tenants.copy(), self._owners.copy()
        ready = _by_tenant(owners)
        turns: Counter[Owner] = Counter()
        for _ in range(number):
            owner = trial._next(ready, trial.admits_owner)
            if owner is None:
                break
            trial._count(owner, 1)
            turns[owner] += 1
        return turns

    def choose(self, waiting: Iterable[Waiting], number: int) -> list[Waiting]:
        """At most `number` of them, in the order of their turns; each of them is under way then. One of a
        kind that is full does not keep those behind it from their turns."""
        queues: dict[Owner, deque[Waiting]] = {}
        for one in sorted(waiting, key=lambda one: one.place):
            queues.setdefault(one.owner, deque()).append(one)
        ready = _by_tenant(queues)
        chosen: list[Waiting] = []
        while len(chosen) < number:
            owner = self._next(ready, lambda owner: self.admits_owner(owner) and self._trim(queues[owner]))
            if owner is None:
                break
            one = queues[owner].popleft()
            self._count(owner, 1)
            self._kinds[one.kind] += 1
            chosen.append(one)
        return chosen

    def _trim(self, queue: deque[Waiting]) -> bool:
        """Whether it has one of a kind that is not full, which is then its first."""
        while queue and not self.admits_kind(queue[0].kind):
            queue.popleft()
        return bool(queue)

    def _next(self, ready: dict[str, list[Owner]], is_able: Callable[[Owner], bool]) -> Owner | None:
        """Forgets those that may have no turn any more."""
        while ready:
            tenant = min(ready, key=self._place_of_tenant)
            able = list(filter(is_able, ready[tenant])) if self.admits_tenant(tenant) else []
            if able:
                ready[tenant] = able
                return min(able, key=self._place_of_owner)
            del ready[tenant]
        return None

    def _count(self, owner: Owner, number: int) -> None:
        self._tenants[owner.tenant] += number
        self._owners[owner] += number

    def _place_of_tenant(self, tenant: str) -> tuple[float, float]:
        return self._shares.of_tenant(tenant).place(self._tenants[tenant]), self._chance()

    def _place_of_owner(self, owner: Owner) -> tuple[float, float]:
        return self._shares.of_owner(owner).place(self._owners[owner]), self._chance()


def _by_tenant(owners: Iterable[Owner]) -> dict[str, list[Owner]]:
    found: dict[str, list[Owner]] = {}
    for owner in owners:
        found.setdefault(owner.tenant, []).append(owner)
    return found
