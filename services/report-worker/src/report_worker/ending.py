"""What becomes of a report when its slot has said its last word."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from report_worker.slots import Cancelled, Failed, Produced, StepEnded
from waybill.domain import Failure, Report, RetryPolicy


@dataclass(frozen=True)
class Broken:
    """The slot said nothing any more: it died, took too long, or its file could not be kept."""

    failure: Failure


@dataclass(frozen=True)
class Unsuited:
    """The worker does not know the report's kind, or one of its parameters: in an upgrade a worker of another
    version does. No slot was asked."""

    failure: Failure


LastWord = Produced | Failed | Cancelled | Broken | Unsuited

_MOST_UNSUITED = 12
"""Turns of reports that no worker knows: with the default waits they last for half an hour."""


@dataclass(frozen=True)
class RetryLater:
    """Another attempt, after `delay`. `counted`: of those that the report's kind allows."""

    failure: Failure
    delay: timedelta
    counted: bool = True


@dataclass(frozen=True)
class FailForGood:
    """The report's end. `used_up`: it was tried as often as its kind allows, and becomes a dead letter."""

    failure: Failure
    used_up: bool
    stack: str | None


def failure_of(word: Failed | Broken | Unsuited | Produced) -> Failure | None:
    """Why the attempt did not end well; None where it did."""
    match word:
        case Broken(failure) | Unsuited(failure):
            return failure
        case Failed(step=str(step)):
            return Failure("step_failed", f"{step}: {word.message}", step)
        case Failed():
            kind_of_failure = "permanent" if word.permanent else "error"
            return Failure(kind_of_failure, word.message)
        case Produced(failed_steps=(first, *_)):
            return _step_failure(first)
        case Produced():
            return None


def decide(
    word: Failed | Broken | Unsuited | Produced,
    failure: Failure,
    report: Report,
    max_attempts: int,
    retry: RetryPolicy,
    random: Random,
) -> RetryLater | FailForGood:
    """Permanent errors, and steps that failed in a job that ran on, end a report; others do when it has been
    tried `max_attempts` times. Interrupted and lost attempts do not count, nor those of unsuited workers."""
    if isinstance(word, Unsuited):
        turns = report.interruptions + 1
        if turns < _MOST_UNSUITED:
            return RetryLater(failure, retry.delay(turns, random), counted=False)
        return FailForGood(failure, used_up=True, stack=None)
    if isinstance(word, Produced) or (isinstance(word, Failed) and word.permanent):
        return FailForGood(failure, used_up=False, stack=None)
    failures = report.failures + 1
    if failures < max_attempts:
        return RetryLater(failure, retry.delay(failures, random))
    stack = word.traceback if isinstance(word, Failed) else None
    return FailForGood(failure, used_up=True, stack=stack)


def _step_failure(step: StepEnded) -> Failure:
    return Failure("step_failed", f"{step.name}: {step.error}", step.name)
