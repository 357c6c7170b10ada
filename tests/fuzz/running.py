"""Tries a target: many cases, counted, and the simplest of those that fail."""

import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.choices import Choices
from tests.fuzz.target import Check, Target

THOUSAND = 1000
_AT_ONCE = 5000
"""Hypothesis remembers every case of a run, so that a long one is several runs."""
_MOST_SECONDS = 60.0
"""Far more than any case takes, also on a machine with much else to do."""
_RECIPE = st.binary(min_size=16, max_size=48)


@dataclass(frozen=True)
class Finding:
    """The simplest case found that fails, and how."""

    target: str
    recipe: bytes
    error: BaseException

    @property
    def repeated_by(self) -> str:
        """The command that tries this one case again."""
        return f"make fuzz FUZZ_ONLY={self.target} FUZZ_CASE={self.recipe.hex() or '00'}"


@dataclass
class Outcome:
    """What came of a target. `cases` are the calls of its check, counted one by one."""

    target: str
    wanted: int
    cases: int = 0
    accepted: int = 0
    seconds: float = 0
    finding: Finding | None = None

    @property
    def passed(self) -> bool:
        return self.finding is None and self.cases >= self.wanted


@dataclass
class _Counted:
    check: Check
    outcome: Outcome
    failing: list[tuple[bytes, BaseException]] = field(default_factory=list)

    def __call__(self, recipe: bytes) -> None:
        self.outcome.cases += 1
        try:
            with _with_an_end():
                self.outcome.accepted += self.check(Choices(recipe))
        except BaseException as error:
            self.failing.append((recipe, error))
            raise


class NoEndError(BaseException):
    """A case takes so long that it may never end. Nothing that handles errors holds it up, and it is not made
    simpler, which would take hours."""


@contextmanager
def _with_an_end() -> Iterator[None]:
    """In the main thread, which signals reach."""

    def give_up(*_: object) -> None:
        raise NoEndError(f"not done after {_MOST_SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def shares(targets: Iterable[Target], cases: int) -> dict[str, int]:
    """How many of `cases` each gets, by its share among these; at least `cases` together."""
    chosen = list(targets)
    whole = sum(target.share for target in chosen)
    return {target.name: -(-cases * target.share // whole) for target in chosen}


def run(target: Target, check: Check, wanted: int, seed: int) -> Outcome:
    """Ends with the first failure, which Hypothesis has simplified."""
    outcome = Outcome(target.name, wanted)
    with _timed(outcome):
        while outcome.finding is None and outcome.cases < wanted:
            # another seed for each run, the same ones for the same seed
            part = hash((seed, outcome.cases)) & 0xFFFF_FFFF
            outcome.finding = _run_once(check, outcome, min(_AT_ONCE, wanted - outcome.cases), part)
    return outcome


def repeat(target: Target, check: Check, recipe: bytes) -> Outcome:
    """One case."""
    outcome = Outcome(target.name, 1)
    counted = _Counted(check, outcome)
    with _timed(outcome):
        try:
            counted(recipe)
        except (Exception, NoEndError) as error:
            outcome.finding = Finding(target.name, recipe, error)
    return outcome


def _run_once(check: Check, outcome: Outcome, cases: int, seed: int) -> Finding | None:
    counted = _Counted(check, outcome)

    @hypothesis.seed(seed)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(_RECIPE)
    def cases_of_it(recipe: bytes) -> None:
        counted(recipe)

    try:
        cases_of_it()
    except (Exception, NoEndError):
        if not counted.failing:
            raise
        recipe, error = counted.failing[-1]  # Hypothesis tries the simplest once more at the end
        return Finding(outcome.target, recipe, error)
    return None


@contextmanager
def _timed(outcome: Outcome) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        outcome.seconds = time.monotonic() - began
