"""Who has the next turn: by weight, and within what may run."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waybill.domain import (
    Holder,
    HolderLimits,
    Level,
    LimitValues,
    Owner,
    Shares,
    Turns,
    UnderWay,
    Waiting,
    new_report_id,
)

ANN, BOB, GIL = Owner("acme", "ann"), Owner("acme", "bob"), Owner("globex", "gil")
TENANT, OWNER = Level.TENANT, Level.OWNER
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def limits(level: Level, tenant: str = "", owner: str = "", **values: int) -> HolderLimits:
    return HolderLimits(Holder(level, tenant, owner), LimitValues(**values))


def turns(
    *rows: HolderLimits,
    kinds: Mapping[str, int | None] | None = None,
    under_way: Sequence[UnderWay] = (),
    seed: int = 1,
) -> Turns:
    return Turns(Shares(rows), kinds or {}, under_way, random.Random(seed).random)


def waiting(owner: Owner, number: int, kind: str = "a", priority: int = 3) -> list[Waiting]:
    later = timedelta(seconds=1)
    return [Waiting(new_report_id(), owner, kind, priority, BEGIN + place * later) for place in range(number)]


def owners(chosen: Sequence[Waiting]) -> Counter[Owner]:
    return Counter(one.owner for one in chosen)


@pytest.mark.parametrize("seed", range(5))
def test_a_tenant_of_twice_the_weight_has_twice_as_much_under_way(seed: int) -> None:
    of = turns(limits(TENANT, "acme", weight=2), seed=seed)

    chosen = of.choose([*waiting(ANN, 50), *waiting(GIL, 50)], 30)

    assert owners(chosen) == {ANN: 20, GIL: 10}


def test_so_does_an_owner_of_a_tenant() -> None:
    of = turns(limits(OWNER, "acme", "bob", weight=3))

    assert owners(of.choose([*waiting(ANN, 50), *waiting(BOB, 50)], 40)) == {ANN: 10, BOB: 30}


def test_what_is_under_way_already_counts() -> None:
    of = turns(limits(TENANT, "acme", weight=2), under_way=[UnderWay(ANN, "a", 8), UnderWay(GIL, "b", 1)])

    assert owners(of.choose([*waiting(ANN, 50), *waiting(GIL, 50)], 6)) == {ANN: 2, GIL: 4}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([limits(OWNER, max_running=5)], 5),
        ([limits(OWNER, max_running=5), limits(OWNER, "acme", max_running=4)], 4),
        ([limits(OWNER, "acme", "ann", max_running=7), limits(OWNER, "acme", max_running=4)], 7),
        ([limits(OWNER, "acme", "ann", weight=7), limits(OWNER, "acme", max_running=4)], 4),
        ([limits(OWNER, "acme", "ann", max_running=7), limits(TENANT, "acme", max_running=3)], 3),
        ([limits(TENANT, max_running=2), limits(TENANT, "globex", max_running=0)], 2),
        ([limits(OWNER, "acme", "bob", max_running=1)], 20),
    ],
)
def test_no_more_are_under_way_than_the_most_particular_limit_says(
    rows: list[HolderLimits], expected: int
) -> None:
    of = turns(*rows)

    assert len(of.choose(waiting(ANN, 20), 20)) == expected


def test_one_of_a_full_kind_does_not_keep_those_behind_it_from_their_turn() -> None:
    of = turns(kinds={"a": 3, "b": None, "paused": 0}, under_way=[UnderWay(GIL, "a", 2)])
    first, second, third = waiting(ANN, 3, "a")
    stopped = waiting(ANN, 3, "paused", priority=1)
    others = waiting(ANN, 3, "b", priority=5)

    chosen = of.choose([*others, third, *stopped, second, first], 10)

    assert chosen == [first, *others]


def test_of_an_owner_the_lowest_priority_is_first_and_then_the_oldest() -> None:
    low, high = waiting(ANN, 3, priority=5), waiting(ANN, 3, priority=1)

    assert turns().choose([*reversed(low), *reversed(high)], 6) == [*high, *low]


def test_a_plan_says_how_many_of_each_owner_to_look_at() -> None:
    of = turns(limits(OWNER, "acme", "ann", max_running=2), limits(TENANT, "globex", weight=2))

    assert of.plan([ANN, BOB, GIL], 12) == {ANN: 2, BOB: 2, GIL: 8}
    assert of.plan([ANN], 12) == {ANN: 2}


NAMES = st.sampled_from(["acme", "globex", "initech"])
OWNERS = st.builds(Owner, NAMES, st.sampled_from(["ann", "bob", "gil"]))
KINDS = st.sampled_from(["a", "b", "c"])
VALUES = st.builds(
    LimitValues, weight=st.none() | st.integers(1, 5), max_running=st.none() | st.integers(0, 6)
)
EACH = st.just("")
HOLDERS = st.one_of(
    st.builds(Holder, st.just(TENANT), NAMES | EACH),
    st.builds(Holder, st.just(OWNER), NAMES, st.sampled_from(["ann", "bob", ""])),
    st.builds(Holder, st.just(OWNER)),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.builds(HolderLimits, HOLDERS, VALUES), max_size=6, unique_by=lambda row: row.holder),
    st.dictionaries(KINDS, st.none() | st.integers(0, 6)),
    st.lists(st.builds(UnderWay, OWNERS, KINDS, st.integers(1, 4)), max_size=6),
    st.lists(st.tuples(OWNERS, KINDS, st.integers(1, 5)), max_size=40),
    st.integers(0, 30),
)
def test_whatever_waits_no_limit_is_exceeded_and_no_turn_is_left_that_one_could_have(
    rows: list[HolderLimits],
    kinds: dict[str, int | None],
    under_way: list[UnderWay],
    requested: list[tuple[Owner, str, int]],
    number: int,
) -> None:
    of = turns(*rows, kinds=kinds, under_way=under_way)
    before = turns(*rows, kinds=kinds, under_way=under_way)
    reports = [one for owner, kind, priority in requested for one in waiting(owner, 1, kind, priority)]

    chosen = of.choose(reports, number)

    assert len(set(chosen)) == len(chosen) <= number
    shares = Shares(rows)
    for one in chosen:
        assert before.admits_owner(one.owner)
        assert before.admits_tenant(one.owner.tenant)
        assert before.admits_kind(one.kind)
    total = Counter(one.owner for one in chosen)
    for owner, more in total.items():
        most = shares.of_owner(owner).max_running
        had = sum(one.number for one in under_way if one.owner == owner)
        assert most is None or had + more <= most
    for tenant, more in Counter(one.owner.tenant for one in chosen).items():
        most = shares.of_tenant(tenant).max_running
        had = sum(one.number for one in under_way if one.owner.tenant == tenant)
        assert most is None or had + more <= most
    for kind, more in Counter(one.kind for one in chosen).items():
        most = kinds.get(kind)
        had = sum(one.number for one in under_way if one.kind == kind)
        assert most is None or had + more <= most
    if len(chosen) < number:
        left = [one for one in reports if one not in chosen]
        assert not [
            one
            for one in left
            if of.admits_tenant(one.owner.tenant) and of.admits_owner(one.owner) and of.admits_kind(one.kind)
        ]
