"""Turns: which reports get commands, where there are weights or limits of what may run."""

import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from waybill.domain import Owner, Shares, Turns, Waiting
from waybill.store import AnyConnection
from waybill.store.statements import dispatch, kind_limits, turns
from waybill.store.statements.dispatch import Dispatched
from waybill.store.statements.turns import Source, State

_MOST_TOGETHER = 100
_MOST_ROUNDS = 10
_MOST_PARKED = 20_000


def take_turns(connection: AnyConnection, requeue_after: timedelta, *, idle: bool) -> list[Dispatched]:
    """Gives commands to as many reports as there is room for, in fair order and within all limits. None where
    another transaction does so now: its process, or the next look of recovery, gives what this one would
    have. `idle`: as in `dispatch.fill_idle`.

    It runs in the transaction of a request, a claim or an end, after these: a place that an end has made free
    is taken at once.
    """
    is_locked = turns.lock(connection)
    free = dispatch.free(connection, requeue_after, idle=idle)  # in the same round trip
    given: list[Dispatched] = []
    parked = set[str]()
    if not is_locked():
        return given
    for _ in range(_MOST_ROUNDS):
        number = min(free(), _MOST_TOGETHER)
        if number <= 0:
            break
        one = _Round(connection, requeue_after, number, parked, idle=idle)
        given += one.run()
        if not one.found_more:
            break
        free = dispatch.free(connection, requeue_after, idle=idle)
    return given


class _Round:
    """Looks at as many reports as there is room for. Some of them may be of kinds that are full, and some
    owners have fewer than they could: then another round looks further."""

    def __init__(
        self,
        connection: AnyConnection,
        requeue_after: timedelta,
        number: int,
        parked: set[str],
        *,
        idle: bool,
    ) -> None:
        """`parked`: kinds of which a round before this one has parked what it may; it adds to them."""
        self._connection = connection
        self._requeue_after = requeue_after
        self._number = number
        self._parked = parked
        self._idle = idle
        self.found_more = False
        """Whether another round may give more."""

    def run(self) -> list[Dispatched]:
        read_state, waiting = turns.state(self._connection), turns.tenants(self._connection)
        number, state, tenants = self._number, read_state(), waiting()
        if not tenants:
            return []
        of = Turns(Shares(state.limits), state.kinds, state.under_way, random.random)
        sources = self._sources(of, tenants, number)
        found = self._first(of, sources, number)
        chosen = [one.id for one in of.choose(found, number)]
        given = turns.give(self._connection, chosen, self._requeue_after) if chosen else []
        parked = self._park(of, state, found, chosen)
        self.found_more = (bool(given) and len(given) < number) or parked
        return given

    def _sources(
        self, of: Turns, waiting: Sequence[tuple[str, str]], number: int
    ) -> dict[Owner, list[Source]]:
        """Of the owners that may have one of the turns. Those of more and more tenants are looked at, until
        enough may: of one that may have a turn, no owner may need to."""
        by_tenant: dict[str, list[tuple[str, str]]] = {}
        for source, tenant in waiting:
            if of.admits_kind(source):
                by_tenant.setdefault(tenant, []).append((source, tenant))
        tenants = of.tenants(by_tenant)
        found: dict[Owner, list[Source]] = {}
        able, size = 0, number
        while tenants and able < number:
            asked, tenants = tenants[:size], tenants[size:]
            owners: dict[str, dict[Owner, list[Source]]] = {}
            for one in turns.owners(self._connection, [two for name in asked for two in by_tenant[name]]):
                owners.setdefault(one.owner.tenant, {}).setdefault(one.owner, []).append(one)
            for theirs in owners.values():
                next_ones = of.owners(theirs, number)
                found |= {owner: theirs[owner] for owner in next_ones}
                able += bool(next_ones)
            size *= 2
        return found

    def _first(self, of: Turns, sources: dict[Owner, list[Source]], number: int) -> list[Waiting]:
        planned = of.plan(sources, number)
        wanted = [(source, many) for owner, many in planned.items() for source in sources[owner]]
        return turns.first(self._connection, wanted) if wanted else []

    def _park(self, of: Turns, state: State, found: Sequence[Waiting], chosen: Sequence[UUID]) -> bool:
        """Those of kinds that are full keep others from being found: whether there are any."""
        full = {kind for kind in state.kinds if kind not in state.open and not of.admits_kind(kind)}
        left = {one.id for one in found if one.kind in full} - set(chosen)
        if left:
            turns.park(self._connection, list(left))
            if self._idle:
                met = {one.kind for one in found if one.id in left} - self._parked
                if met:
                    kind_limits.park(self._connection, _MOST_PARKED, met)
                    self._parked |= met
        return bool(left)
