"""The order in which entries are published: those of one report one after the other, of all processes."""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from waybill.ledger import Committed, Entry, Row
from waybill.store import Publication


@dataclass
class Waiting:
    """An entry that is to be published, and the rows that must be published first, those of this process too:
    they may still be left to the sweep. `since`: its transaction's begin; `added`: when this process had
    committed it."""

    entry: Entry
    since: float
    behind: set[Row]
    added: float


class Order:
    """Entries of this process: which may be published now, and which must wait for another process's.

    It publishes what it has just committed, and leaves what is older to the sweep, which locks it: so an
    entry that is not published in time is given up here. One thread uses it.
    """

    def __init__(self, fresh_for: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`fresh_for`: in seconds; shorter than the age at which other processes take an entry for left."""
        self._fresh_for = fresh_for
        self._clock = clock
        self._ready: list[Waiting] = []
        self._held_up: dict[str, list[Waiting]] = {}
        self._ours: set[Row] = set()

    @property
    def held_up(self) -> Collection[str]:
        """The keys with entries that wait for another process."""
        return self._held_up.keys()

    def add(self, committed: Committed) -> None:
        """What a transaction has left, and what it has seen."""
        for entry in committed.entries:
            behind = {row for row in committed.waiting.get(entry.key, ()) if _is_before(row, entry.row)}
            self._add(Waiting(entry, committed.since, behind, self._clock()))
        self._look_again(committed)

    def take_ready(self) -> list[Waiting]:
        """Those that may be published now, in this order."""
        self._give_up_the_old()
        old = {one.entry.key for one in self._ready if not self._is_fresh(one)}
        ready = [one for one in self._ready if one.entry.key not in old]
        self._forget(one.entry.row for one in self._ready if one.entry.key in old)
        self._ready = []
        return ready

    def not_published(self, rows: Iterable[Row]) -> None:
        """They are left to the sweep; what comes after them waits until it has done so."""
        self._forget(rows)

    def deleted(self, rows: Iterable[Row]) -> None:
        """They are no longer in the tables."""
        gone = set(rows)
        self._forget(gone)
        for held_up in self._held_up.values() if gone else ():
            for one in held_up:
                one.behind -= gone

    def _add(self, one: Waiting) -> None:
        key = one.entry.key
        if key in self._held_up or self._must_wait(one):
            self._held_up.setdefault(key, []).append(one)
            self._held_up[key].sort(key=_place)
            return
        self._ready.append(one)
        self._ours.add(one.entry.row)

    def _look_again(self, committed: Committed) -> None:
        """At the entries that are held up: what they wait for may be published by now, or be ours. What a
        transaction has seen says something of those alone that were there when it began."""
        for key, held_up in list(self._held_up.items()):
            for one in held_up:
                if key in committed.looked_for and one.added <= committed.since:
                    one.behind.intersection_update(committed.waiting.get(key, ()))
            self._release(key)

    def _release(self, key: str) -> None:
        held_up = self._held_up.pop(key)
        while held_up and not self._must_wait(held_up[0]):
            self._add(held_up.pop(0))
        if held_up:
            self._held_up[key] = held_up

    def _must_wait(self, one: Waiting) -> bool:
        """For another process. What this one publishes itself, it publishes in this order."""
        return not one.behind <= self._ours

    def _give_up_the_old(self) -> None:
        """Also those behind them."""
        for key, held_up in list(self._held_up.items()):
            if not self._is_fresh(held_up[0]):
                del self._held_up[key]

    def _is_fresh(self, one: Waiting) -> bool:
        return self._clock() - one.since < self._fresh_for

    def _forget(self, rows: Iterable[Row]) -> None:
        self._ours.difference_update(rows)


def _is_before(row: Row, other: Row) -> bool:
    """Whether `row` has to be published first. A row of the table `outbox` that was there before is an
    earlier one; a command alone may come at any time."""
    if isinstance(row, int) or isinstance(other, int):
        return True
    if row.is_command_alone or other.is_command_alone:
        return False
    return (row.first, row.last) < (other.first, other.last)


def _place(one: Waiting) -> tuple[int, int]:
    row = one.entry.row
    return (row.first, row.last) if isinstance(row, Publication) else (2**31, row)
