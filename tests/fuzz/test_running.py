"""The cases are counted one by one, the simplest that fails is found, and its line repeats it."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

import pytest
from pytest import MonkeyPatch

from tests.fuzz import running
from tests.fuzz import settings as asked
from tests.fuzz.choices import Choices
from tests.fuzz.running import repeat, run, shares
from tests.fuzz.target import Target, plain
from tests.fuzz.targets import TARGETS
from tests.support.checkout import ROOT


class CountingCheck:
    """Fails where the first two choices are high."""

    def __init__(self, *, fails: bool = False) -> None:
        self.calls = 0
        self.fails = fails

    def __call__(self, choices: Choices) -> bool:
        self.calls += 1
        if self.fails and choices.below(256) > 100 and choices.below(256) > 200:
            raise LookupError("planted")
        return self.calls % 2 == 0


def target_of(check: CountingCheck) -> Target:
    return Target("planted", "nothing", 1, plain(check))


@pytest.mark.parametrize("wanted", [1, 7, 5001])
def test_every_case_is_a_call(wanted: int) -> None:
    check = CountingCheck()

    outcome = run(target_of(check), check, wanted, seed=7)

    assert outcome.passed
    assert outcome.cases == check.calls >= wanted
    assert outcome.accepted == check.calls // 2


def test_a_case_without_an_end_is_found(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_MOST_SECONDS", 0.2)

    def check(choices: Choices) -> bool:
        first = choices.below(256)
        while first > 100:
            with suppress(Exception):
                time.sleep(0.01)
        return True

    outcome = run(Target("planted", "nothing", 1, plain(check)), check, 2000, seed=7)

    assert outcome.finding is not None
    assert isinstance(outcome.finding.error, running.NoEndError)


def test_a_failing_case_is_found_made_simple_and_repeated() -> None:
    check = CountingCheck(fails=True)

    outcome = run(target_of(check), check, 2000, seed=7)

    assert not outcome.passed
    assert outcome.finding is not None
    assert isinstance(outcome.finding.error, LookupError)
    assert outcome.finding.recipe[:2] == bytes([101, 201])
    assert not any(outcome.finding.recipe[2:])
    assert outcome.finding.repeated_by.startswith("make fuzz FUZZ_ONLY=planted FUZZ_CASE=65c9")
    assert repeat(target_of(check), check, outcome.finding.recipe).finding is not None
    assert repeat(target_of(check), check, bytes(16)).finding is None


def test_the_same_seed_tries_the_same() -> None:
    def tried(seed: int) -> list[int]:
        seen: list[int] = []

        def check(choices: Choices) -> bool:
            seen.append(choices.below(65536))
            return True

        run(Target("planted", "nothing", 1, plain(check)), check, 50, seed)
        return seen

    assert tried(1) == tried(1) != tried(2)


def test_what_ends_the_program_ends_the_run() -> None:
    def check(_: Choices) -> NoReturn:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Target("planted", "nothing", 1, plain(check)), check, 50, 1)


def test_shares_are_rounded_up() -> None:
    one = TARGETS[0]
    two, three = replace(one, name="two", share=1), replace(one, name="three", share=2)

    assert shares([two, three], 100) == {"two": 34, "three": 67}


def test_the_command_prints_what_came_of_each_target() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz"],
        cwd=ROOT,
        env={
            **os.environ,
            "FUZZ": "200",
            "FUZZ_SEED": "7",
            "FUZZ_ONLY": "commands,key-texts",
            "FUZZ_CASE": "",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    commands, keys, together = done.stdout.splitlines()
    assert commands.startswith("commands")
    assert "cases" in commands
    assert keys.startswith("key-texts")
    assert together.endswith("seed 7: nothing found")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"FUZZ": "many"}, "FUZZ=many: it is how many cases to try"),
        ({"FUZZ_ONLY": "nothing"}, "FUZZ_ONLY: there is no target nothing"),
        ({"FUZZ_CASE": "xyz", "FUZZ_ONLY": "commands"}, "FUZZ_CASE=xyz: it is a case"),
        ({"FUZZ_CASE": "00"}, "FUZZ_CASE: name its target"),
    ],
)
def test_what_cannot_be_asked_is_said(
    monkeypatch: MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    for name in ("FUZZ", "FUZZ_SEED", "FUZZ_ONLY", "FUZZ_CASE"):
        monkeypatch.delenv(name, raising=False)
    for name, text in variables.items():
        monkeypatch.setenv(name, text)

    with pytest.raises(SystemExit, match=sentence):
        (asked.cases(), asked.targets(), asked.case())


def test_by_itself_it_is_a_million_of_all_targets(monkeypatch: MonkeyPatch) -> None:
    for name in ("FUZZ", "FUZZ_ONLY", "FUZZ_CASE"):
        monkeypatch.delenv(name, raising=False)

    assert asked.cases() == 1_000_000
    assert asked.targets() == list(TARGETS)
    assert asked.case() is None
