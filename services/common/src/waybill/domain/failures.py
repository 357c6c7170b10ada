"""Why an attempt, or a report, did not end well."""

from dataclasses import dataclass
from enum import StrEnum


class FailureType(StrEnum):
    """What a program may rely on: `error.type` of a report and of a span, the reason of a dead letter.

    The values reach clients and stored rows, so they keep their spelling.
    """

    STEP_FAILED = "step_failed"
    """A step raised an exception."""
    ERROR = "error"
    """The kind's function raised an exception outside its steps."""
    PERMANENT = "permanent"
    """The kind said that another attempt would end the same way."""
    TIMED_OUT = "timed_out"
    """The attempt took longer than the kind, or the request, allows."""
    SLOT_DIED = "slot_died"
    """The process in which the kind ran ended without a result."""
    NO_DIRECTORY = "no_directory"
    """The worker could not make a directory for the job's files."""
    ARTEFACT_STORE = "artefact_store"
    """The artefact could not be stored."""
    UNSUPPORTED_KIND = "unsuited"
    """The worker's version does not know the kind, or one of its parameters."""
    LOST = "lost"
    """The worker died, or was cut off past its lease."""
    REFUSED_BY_BROKER = "refused_by_broker"
    """Kafka will never take the report's command."""
    LEASE_LOST = "lease_lost"
    """On a span only: the attempt found that it is no longer its worker's."""
    CANCELLED = "cancelled"
    """On a span only: a client cancelled the report."""
    INTERRUPTED = "interrupted"
    """On a span only: the worker was stopped, and released the report."""


@dataclass(frozen=True)
class Failure:
    """Why an attempt did not end well.

    `type` is a `FailureType`, or the text of one that another version of Waybill stored; `message` is for a
    person.
    """

    type: str
    message: str
    step: str | None = None
