"""Which limits hold for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybill.domain import (
    EACH,
    NO_LIMITS,
    Holder,
    HolderLimits,
    Level,
    LimitName,
    LimitValues,
    Owner,
    Reached,
    values_for,
)

ADA = Owner("acme", "ada")

ROWS = [
    HolderLimits(Holder(Level.TENANT), LimitValues(weight=1, max_queued=100, max_running=4)),
    HolderLimits(Holder(Level.TENANT, "acme"), LimitValues(max_queued=500)),
    HolderLimits(Holder(Level.OWNER), LimitValues(max_queued=10, max_streams=3, max_kept_bytes=0)),
    HolderLimits(Holder(Level.OWNER, "acme"), LimitValues(max_queued=20, max_kept_bytes=7)),
    HolderLimits(Holder(Level.OWNER, "acme", "ada"), LimitValues(max_queued=30)),
]


def test_value_by_value_the_row_that_names_the_most_wins() -> None:
    assert values_for(Level.OWNER, ADA, ROWS) == LimitValues(max_queued=30, max_streams=3, max_kept_bytes=7)
    bob = Owner("acme", "bob")
    assert values_for(Level.OWNER, bob, ROWS) == LimitValues(max_queued=20, max_streams=3, max_kept_bytes=7)
    gil = Owner("globex", "gil")
    assert values_for(Level.OWNER, gil, ROWS) == LimitValues(max_queued=10, max_streams=3, max_kept_bytes=0)


def test_limits_of_a_tenant_are_none_of_its_owners() -> None:
    assert values_for(Level.TENANT, ADA, ROWS) == LimitValues(weight=1, max_queued=500, max_running=4)
    assert values_for(Level.OWNER, ADA, ROWS[:2]) == NO_LIMITS


@given(st.permutations(ROWS))
def test_their_order_is_of_no_matter(rows: list[HolderLimits]) -> None:
    assert [values_for(level, ADA, rows) for level in Level] == [
        values_for(level, ADA, ROWS) for level in Level
    ]


def test_an_owner_of_the_same_name_elsewhere_has_none_of_them() -> None:
    rows = [HolderLimits(Holder(Level.OWNER, "acme", "ada"), LimitValues(max_queued=1))]

    assert values_for(Level.OWNER, Owner("globex", "ada"), rows) == NO_LIMITS


@pytest.mark.parametrize(
    ("level", "tenant", "owner", "expected"),
    [
        (Level.TENANT, None, None, Holder(Level.TENANT, EACH)),
        (Level.TENANT, "acme", None, Holder(Level.TENANT, "acme")),
        (Level.OWNER, None, None, Holder(Level.OWNER, EACH, EACH)),
        (Level.OWNER, "acme", None, Holder(Level.OWNER, "acme", EACH)),
        (Level.OWNER, "acme", "ada", Holder(Level.OWNER, "acme", "ada")),
        (Level.OWNER, "default", "anonymous", Holder(Level.OWNER, "default", "anonymous")),
    ],
)
def test_limits_are_for_one_or_for_each(
    level: Level, tenant: str | None, owner: str | None, expected: Holder
) -> None:
    assert Holder.named(level, tenant, owner) == expected


@pytest.mark.parametrize(
    ("level", "tenant", "owner", "sentence"),
    [
        (Level.TENANT, "acme", "ada", "a tenant's limits have none"),
        (Level.OWNER, None, "ada", "must be given with an owner"),
        (Level.TENANT, "Acme", None, "is not a tenant"),
        (Level.TENANT, "", None, "is not a tenant"),
        (Level.OWNER, "acme", " ada", "is not an owner"),
        (Level.OWNER, "acme", "", "is not an owner"),
    ],
)
def test_others_there_are_not(level: Level, tenant: str | None, owner: str | None, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Holder.named(level, tenant, owner)


def test_what_is_set_is_read_by_people() -> None:
    limits = HolderLimits(Holder(Level.OWNER, "acme", "ada"), LimitValues(weight=2, max_queued=0))

    assert f"{limits.holder}: {limits.values}" == "acme/ada: weight=2 max_queued=0"
    assert str(Holder(Level.OWNER)) == "*/*"
    assert str(Holder(Level.TENANT)) == "*"


@pytest.mark.parametrize("name", [name for name in LimitName if name is not LimitName.RUNNING])
@pytest.mark.parametrize("level", Level)
def test_a_refusal_says_what_is_limited_and_whose_limit_it_is(name: LimitName, level: Level) -> None:
    sentence = str(Reached(name, level, 17, 1.0))

    assert "17" in sentence
    assert ("your tenant" in sentence) == (level is Level.TENANT)
