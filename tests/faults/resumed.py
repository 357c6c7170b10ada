"""Judges what became of resumable steps: what was committed has not run again."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.checker import Harm, Violation

FILE_LINES = 500
"""Of the results that are files, as the kind writes them."""


@dataclass(frozen=True, order=True)
class StepOf:
    """A step of an attempt."""

    report_id: str
    name: str
    attempt: int


@dataclass(frozen=True)
class Steps:
    """Of one fault: those whose bodies began to run, one for each time; those whose results were committed;
    and those that were told to be reused, each with the attempt that they say has made the result."""

    ran: Sequence[StepOf]
    committed: Sequence[StepOf]
    reused: Mapping[StepOf, int | None]


def ran_again(steps: Steps) -> list[StepOf]:
    """Runs of steps whose results an earlier attempt had committed."""
    first: dict[tuple[str, str], int] = {}
    for one in sorted(steps.committed):
        first.setdefault((one.report_id, one.name), one.attempt)
    return [one for one in steps.ran if one.attempt > first.get((one.report_id, one.name), one.attempt)]


def check(steps: Steps) -> Iterator[Violation]:
    """Every violation in it."""
    for one in ran_again(steps):
        detail = f"{one.name} ran in attempt {one.attempt}"
        yield Violation(Harm.DOUBLED, "committed_step_ran_again", one.report_id, detail)
    for one, times in Counter(steps.ran).items():
        if times > 1:
            detail = f"{one.name} ran {times} times in attempt {one.attempt}"
            yield Violation(Harm.DOUBLED, "step_ran_twice", one.report_id, detail)
    for (report_id, name), times in Counter((one.report_id, one.name) for one in steps.committed).items():
        if times > 1:
            yield Violation(Harm.DOUBLED, "step_committed_twice", report_id, f"{name}, {times} times")
    committed, ran = set(steps.committed), set(steps.ran)
    for one in sorted(committed - ran):
        yield Violation(Harm.DISORDER, "step_did_not_run", one.report_id, f"{one.name}, {one.attempt}")
    for one, made_in in sorted(steps.reused.items()):
        if made_in is None or StepOf(one.report_id, one.name, made_in) not in committed:
            detail = f"{one.name} is said to be of attempt {made_in}"
            yield Violation(Harm.DISORDER, "reused_of_nothing", one.report_id, detail)


def undisturbed(request: str, steps: int) -> bytes:
    """The artefact of a `resumed` report that nothing happens to."""
    sums, last = list[str](), ""
    for number in range(steps):
        made = hashlib.sha256(f"{request} {number} {last}".encode()).hexdigest()
        is_file = number % 2 == 1
        last = hashlib.sha256(f"{made}\n".encode() * FILE_LINES).hexdigest() if is_file else made
        sums.append(last)
    return "\n".join(sums).encode()
