"""The API's resources, as a client reads them: fields that a newer server adds are ignored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from waybill.domain import TERMINAL, Failure, Progress, Status


class _Resource(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ArtefactLink(_Resource):
    """What a report produced, and where to get it: `href` is relative to the API. `size` in bytes."""

    href: str
    filename: str
    media_type: str
    size: int
    sha256: str


class Report(_Resource):
    """A report as the API shows it."""

    id: UUID
    kind: str
    parameters: Mapping[str, Any]
    status: Status
    version: int
    attempt: int
    progress: Progress | None = None
    error: Failure | None = None
    artefact: ArtefactLink | None = None
    trace_id: str | None = None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Nothing more will happen to it."""
        return self.status in TERMINAL


class ReportPage(_Resource):
    """Some reports, newest first, and where the next page begins, if there is one."""

    reports: tuple[Report, ...]
    next_cursor: str | None = None


class DeadLetter(_Resource):
    """What could not be done: a report whose attempts are exhausted, or a message that cannot be read."""

    id: UUID
    reason: str
    detail: str
    report_id: UUID | None = None
    topic: str
    partition: int
    offset: int
    attempts: int | None = None
    stack: str | None = None
    trace_id: str | None = None
    created_at: datetime
    redriven_at: datetime | None = None


class DeadLetterPage(_Resource):
    """Some dead letters, newest first, and where the next page begins, if there is one."""

    dead_letters: tuple[DeadLetter, ...]
    next_cursor: str | None = None


class RedriveRefused(_Resource):
    """A dead letter that stays, and why."""

    id: UUID
    detail: str


class Redriven(_Resource):
    """The reports that restart, and what could not."""

    reports: tuple[UUID, ...]
    refused: tuple[RedriveRefused, ...]


class KindInfo(_Resource):
    """A kind that the server knows; `parameters` is a JSON Schema."""

    name: str
    title: str
    description: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)


class KindList(_Resource):
    """Every kind that the server knows."""

    kinds: tuple[KindInfo, ...]
