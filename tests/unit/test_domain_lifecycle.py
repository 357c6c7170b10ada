"""What follows after an attempt, as a table."""

from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest

from waybill.domain import (
    AttemptFailure,
    End,
    Failure,
    FailureType,
    Report,
    Requeue,
    Retry,
    RetryPolicy,
    Status,
    lifecycle,
)

NOW = datetime(2026, 11, 27, tzinfo=UTC)
REPORT = Report(
    id=UUID(int=1),
    kind="dowork",
    parameters={},
    status=Status.PROCESSING,
    version=3,
    attempt=1,
    progress=None,
    failure=None,
    artefact=None,
    carrier=None,
    created_at=NOW,
    updated_at=NOW,
    started_at=NOW,
    finished_at=None,
)
FAILURE = Failure(FailureType.ERROR, "It went wrong.")
RETRY = RetryPolicy(max_losses=3)


def after_failure(report: Report, max_attempts: int = 3, **fields: object) -> Retry | End:
    failed = replace(AttemptFailure(FAILURE, stack="a stack"), **fields)  # type: ignore[arg-type]
    return lifecycle.after_failure(report, failed, max_attempts, RETRY, Random(1))


def test_a_success_is_done() -> None:
    assert lifecycle.after_success() == End(Status.DONE)


def test_a_cancellation_and_an_interruption_hold_nothing_against_the_report() -> None:
    assert lifecycle.after_cancellation() == End(Status.CANCELLED)
    assert lifecycle.after_interruption() == Requeue()


@pytest.mark.parametrize("failures", [0, 1])
def test_a_failure_is_tried_again_and_counted(failures: int) -> None:
    decision = after_failure(replace(REPORT, failures=failures))

    delay = RETRY.delay(failures + 1, Random(1))
    assert decision == Retry(FAILURE, delay, counted=True)


def test_the_last_failure_ends_it_as_a_dead_letter() -> None:
    assert after_failure(replace(REPORT, failures=2)) == End(Status.FAIL, FAILURE, True, "a stack")


def test_attempts_that_were_lost_or_interrupted_do_not_count() -> None:
    assert isinstance(after_failure(replace(REPORT, attempt=9, losses=2, interruptions=5)), Retry)


def test_a_permanent_failure_ends_it_without_a_dead_letter() -> None:
    assert after_failure(REPORT, permanent=True) == End(Status.FAIL, FAILURE)


@pytest.mark.parametrize("interruptions", [0, lifecycle.MAX_UNSUPPORTED - 2])
def test_an_unsupported_kind_waits_for_another_version(interruptions: int) -> None:
    report = replace(REPORT, interruptions=interruptions)

    decision = lifecycle.after_unsupported_kind(report, FAILURE, RETRY, Random(1))

    assert decision == Retry(FAILURE, RETRY.delay(interruptions + 1, Random(1)), counted=False)


def test_a_kind_that_no_version_supports_is_a_dead_letter() -> None:
    report = replace(REPORT, interruptions=lifecycle.MAX_UNSUPPORTED - 1)

    assert lifecycle.after_unsupported_kind(report, FAILURE, RETRY, Random(1)) == End(
        Status.FAIL, FAILURE, exhausted=True
    )


def test_a_loss_is_requeued_until_the_report_is_the_cause() -> None:
    assert lifecycle.after_loss(replace(REPORT, losses=1), RETRY) == Requeue()

    end = lifecycle.after_loss(replace(REPORT, losses=2), RETRY)

    assert isinstance(end, End)
    assert (end.status, end.exhausted) == (Status.FAIL, True)
    assert end.failure == Failure(
        "lost", "3 attempts were lost: each time the worker died, or its lease expired."
    )


def test_a_lost_report_that_is_to_be_cancelled_is_cancelled() -> None:
    report = replace(REPORT, losses=9, cancel_requested=True)

    assert lifecycle.after_loss(report, RETRY) == End(Status.CANCELLED)


def test_a_refused_command_ends_the_report_without_a_dead_letter() -> None:
    end = lifecycle.after_refusal("MSG_SIZE_TOO_LARGE")

    message = "Kafka permanently rejected the report's command: MSG_SIZE_TOO_LARGE"
    assert end == End(Status.FAIL, Failure("refused_by_broker", message))


def test_the_values_that_clients_know_keep_their_spelling() -> None:
    assert {one.value for one in FailureType} >= {
        "step_failed",
        "error",
        "permanent",
        "timed_out",
        "slot_died",
        "no_directory",
        "artefact_store",
        "unsuited",
        "lost",
        "refused_by_broker",
    }
