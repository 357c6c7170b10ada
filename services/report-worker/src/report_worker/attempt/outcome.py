"""The outcome of an attempt, and what it means for the report."""

from dataclasses import dataclass

from report_worker.slots import Cancelled, Failed, Produced, StepEnded
from report_worker.slots.sanitize import message_of, stack_of, type_of
from waybill.domain import AttemptFailure, Failure, FailureType


@dataclass(frozen=True)
class SlotFailure:
    """The slot gave no outcome: it died, took too long, or its file could not be kept."""

    failure: Failure


@dataclass(frozen=True)
class UnsupportedKind:
    """This version of the worker does not know the report's kind, or one of its parameters; in an upgrade
    another worker does. No slot was used."""

    failure: Failure


Outcome = Produced | Failed | Cancelled | SlotFailure | UnsupportedKind


def failure_of(outcome: Produced | Failed | SlotFailure) -> AttemptFailure | None:
    """Why the attempt did not end well; None where it did.

    A step that failed in a job that ran on is permanent: the job has said all that it has to say.
    """
    match outcome:
        case SlotFailure(failure):
            return AttemptFailure(failure)
        case Failed(step=str(step)):
            failure = Failure(FailureType.STEP_FAILED, f"{step}: {outcome.message}", step)
            return AttemptFailure(failure, outcome.permanent, outcome.traceback)
        case Failed():
            type_ = FailureType.PERMANENT if outcome.permanent else FailureType.ERROR
            return AttemptFailure(Failure(type_, outcome.message), outcome.permanent, outcome.traceback)
        case Produced(failed_step=StepEnded() as first):
            return AttemptFailure(_step_failure(first), permanent=True)
        case Produced():
            return None


def failed_with(error: Exception) -> Failed:
    """Permanently, by an exception outside of the slot."""
    return Failed(type_of(error), message_of(error), stack_of(error), permanent=True, step=None)


def slot_is_usable(outcome: Outcome) -> bool:
    """Whether the slot can take another job after this outcome."""
    if isinstance(outcome, SlotFailure):
        return False
    return not (isinstance(outcome, Produced | Failed) and outcome.left_over)


def _step_failure(step: StepEnded) -> Failure:
    return Failure(FailureType.STEP_FAILED, f"{step.name}: {step.error}", step.name)
