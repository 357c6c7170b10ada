"""Nothing that others send breaks what reads it: 50,000 cases here, a million by `make fuzz`."""

import os
from random import randrange

import pytest

from tests.fuzz.running import run, shares
from tests.fuzz.target import Place, Target
from tests.fuzz.targets import TARGETS

CASES = 50_000
SHARES = shares(TARGETS, CASES)
SEED = 0 if os.environ.get("CI") else randrange(10**6)
"""As for all that Hypothesis tries here: in CI the same each time, elsewhere another."""


def test_the_shares_are_all_of_the_cases() -> None:
    assert sum(target.share for target in TARGETS) == 1000
    assert sum(SHARES.values()) >= CASES
    assert len(SHARES) == len(TARGETS)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_case_breaks_what_reads_it(target: Target, place: Place) -> None:
    with target.open(place) as check:
        outcome = run(target, check, SHARES[target.name], SEED)

    if outcome.finding:
        raise AssertionError(f"again: {outcome.finding.repeated_by}") from outcome.finding.error
    assert outcome.cases >= SHARES[target.name]
    # neither is refused at the door, nor let through whatever it is
    assert 0.02 < outcome.accepted / outcome.cases < 0.98
