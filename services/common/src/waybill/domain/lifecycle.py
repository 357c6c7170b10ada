"""What follows after an attempt: the decisions of a report's lifecycle, for workers, recovery and relay.

Each function returns what is to be written; those that get a report get it as it was during the attempt.
"""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from waybill.domain.failures import Failure, FailureType
from waybill.domain.policies import RetryPolicy
from waybill.domain.report import Report, Status

MAX_SHARED_LOSSES = 2
"""From this number on, a report may be the cause: another attempt must not cost others theirs."""

MAX_UNSUPPORTED = 12
"""Attempts at a report that no worker's version supports: with the default waits they last half an hour."""


@dataclass(frozen=True)
class End:
    """The report's end. `exhausted`: it becomes a dead letter, with the `stack` of its last exception."""

    status: Status
    failure: Failure | None = None
    exhausted: bool = False
    stack: str | None = None


@dataclass(frozen=True)
class Retry:
    """Back to `init`, with another attempt after `delay`. `counted`: of those that the kind allows."""

    failure: Failure
    delay: timedelta
    counted: bool = True


@dataclass(frozen=True)
class Requeue:
    """Back to `init`, with a new command at once."""


@dataclass(frozen=True)
class AttemptFailure:
    """How an attempt failed. `permanent`: another would end the same way. `stack` is for the dead letter."""

    failure: Failure
    permanent: bool = False
    stack: str | None = None


def must_run_alone(report: Report) -> bool:
    """Whether only a worker may claim it in which nothing else runs."""
    return report.losses >= MAX_SHARED_LOSSES


def after_success() -> End:
    """Every step ended well."""
    return End(Status.DONE)


def after_failure(
    report: Report, failed: AttemptFailure, max_attempts: int, retry: RetryPolicy, random: Random
) -> Retry | End:
    """A permanent failure ends the report; any other does when `max_attempts` have failed.

    Attempts that were lost or interrupted do not count.
    """
    if failed.permanent:
        return End(Status.FAIL, failed.failure)
    failures = report.failures + 1
    if failures < max_attempts:
        return Retry(failed.failure, retry.delay(failures, random))
    return End(Status.FAIL, failed.failure, exhausted=True, stack=failed.stack)


def after_unsupported_kind(
    report: Report, failure: Failure, retry: RetryPolicy, random: Random
) -> Retry | End:
    """In an upgrade a worker of another version may support it: the attempt counts as an interruption."""
    interruptions = report.interruptions + 1
    if interruptions < MAX_UNSUPPORTED:
        return Retry(failure, retry.delay(interruptions, random), counted=False)
    return End(Status.FAIL, failure, exhausted=True)


def after_cancellation() -> End:
    """A client cancelled the report while it ran. It goes before everything else that may follow, but a
    success: before a failure of any sort, a retry, a release and a loss."""
    return End(Status.CANCELLED)


def after_interruption() -> Requeue:
    """The worker was stopped: nothing is held against the report."""
    return Requeue()


def after_loss(report: Report, retry: RetryPolicy) -> Requeue | End:
    """The worker died, or was cut off past its lease. After too many losses, the report is the cause."""
    if report.cancel_requested:
        return after_cancellation()
    losses = report.losses + 1
    if losses < retry.max_losses:
        return Requeue()
    failure = Failure(
        FailureType.LOST, f"{losses} attempts were lost: each time the worker died, or its lease expired."
    )
    return End(Status.FAIL, failure, exhausted=True)


def after_refusal(reason: str) -> End:
    """The broker will never take the report's command, so that no worker will ever get it."""
    message = f"Kafka permanently rejected the report's command: {reason}"
    return End(Status.FAIL, Failure(FailureType.REFUSED_BY_BROKER, message))
