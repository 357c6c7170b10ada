"""The status event: the message on topic `report-status` that tells every producer-api what changed."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from waybill.domain import Report, Status, StepChange, StepStatus


class StatusEventType(StrEnum):
    """What changed: the report's status, or a step of its attempt."""

    STATUS = "status"
    STEP = "step"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True)


class ProgressModel(_Model):
    """How far the attempt is."""

    step: str
    done: int
    total: int


class StepModel(_Model):
    """The step that began or ended. Of one that ran, no event has the last two fields."""

    name: str
    status: StepStatus
    duration_ms: int | None = None
    error: str | None = None
    reused: bool = Field(
        default=False,
        exclude_if=lambda value: not value,
        description="It did not run: its result is one that an earlier attempt has stored.",
    )
    reused_from_attempt: int | None = Field(default=None, exclude_if=lambda value: value is None)


class WaitedModel(_Model):
    """What a claim knows of the wait that it ends. In the order of these times, by the clocks of several
    machines; a time that is not known is left out."""

    commanded_at: datetime | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="When it got its command: until then it waited for room.",
    )
    published_at: datetime | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="When its command was sent to Kafka.",
    )
    read_at: datetime | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="When its worker read the command: after that it waited for a slot.",
    )


class FailureModel(_Model):
    """Why the attempt did not end well."""

    type: str
    message: str
    step: str | None = None


def _is_none(value: object) -> bool:
    return value is None


class ArtefactModel(_Model):
    """A file that the report produced."""

    filename: str
    media_type: str
    size: int = Field(description="In bytes.")
    sha256: str = Field(description="In hex.")
    output: str | None = Field(
        default=None, exclude_if=_is_none, description="Which of the kind's outputs it is. Left out if none."
    )


class StatusEvent(_Model):
    """A snapshot of the row, with what changed. The same JSON is the message, the stored event, and the
    `data:` of the status stream, so that a replay reads as what was missed."""

    schema_version: Literal[1] = 1
    report_id: UUID
    kind: str
    version: int = Field(description="Counts every change of the report; an older one is dropped.")
    type: StatusEventType
    at: datetime
    status: Status
    attempt: int
    progress: ProgressModel | None = None
    step: StepModel | None = None
    error: FailureModel | None = None
    artefact: ArtefactModel | None = None
    artefacts: tuple[ArtefactModel, ...] | None = Field(
        default=None,
        exclude_if=_is_none,
        description="All of them, the first of which is `artefact`. Left out unless there are several.",
    )
    trace_id: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    not_before: datetime | None = Field(default=None, description="When it is tried again, after a failure.")
    cancel_requested: bool = False
    waited: WaitedModel | None = Field(
        default=None, exclude_if=_is_none, description="Only where an attempt begins."
    )
    worker_lost: bool = Field(
        default=False,
        exclude_if=lambda value: not value,
        description="The attempt ended in silence: its worker died, or was cut off past its lease.",
    )


def status_event(
    report: Report, *, waited: WaitedModel | None = None, worker_lost: bool = False
) -> StatusEvent:
    """The event of a row whose status has just changed."""
    event = _event(report, StatusEventType.STATUS, None)
    return event.model_copy(update={"waited": waited, "worker_lost": worker_lost})


def step_event(report: Report, step: StepChange) -> StatusEvent:
    """The event of a row whose attempt has just begun or ended a step."""
    return _event(report, StatusEventType.STEP, StepModel.model_validate(step))


def _event(report: Report, event_type: StatusEventType, step: StepModel | None) -> StatusEvent:
    changed = {"report_id": report.id, "type": event_type, "at": report.updated_at, "step": step}
    changed["artefacts"] = report.artefacts if len(report.artefacts) > 1 else None
    return StatusEvent.model_validate({**report.client_view(), **changed})
