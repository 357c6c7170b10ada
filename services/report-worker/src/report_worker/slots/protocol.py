"""What the worker and a slot say to each other, over a pipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from waybill.domain import Carrier


@dataclass(frozen=True)
class Job:
    """To a slot: one attempt. `carrier` is handle_report's, the parent of the steps' spans."""

    report_id: UUID
    attempt: int
    kind: str
    parameters: Mapping[str, Any]
    directory: Path
    carrier: Carrier | None


@dataclass(frozen=True)
class Stop:
    """To a slot: end the step that runs, send out the spans, and exit."""


@dataclass(frozen=True)
class Cancel:
    """To a slot: begin no other step of the job; the process goes on."""


@dataclass(frozen=True)
class Ready:
    """From a slot: it takes a job."""


@dataclass(frozen=True)
class StepStarted:
    """From a slot."""

    name: str


@dataclass(frozen=True)
class StepEnded:
    """From a slot; `error` where the step failed."""

    name: str
    duration_ms: int
    error: str | None


@dataclass(frozen=True)
class Produced:
    """From a slot: the job's file is written. `failed_steps` are those that failed and let the job go on;
    `exhausted`: the slot has too little memory left for another job."""

    path: Path
    media_type: str
    filename: str
    failed_steps: tuple[StepEnded, ...]
    exhausted: bool = False


@dataclass(frozen=True)
class Failed:
    """From a slot: the job raised an exception. `step`: the step that it ended, where one did; the
    exception is then on that step's span already. `exhausted` as in `Produced`."""

    error_type: str
    message: str
    traceback: str
    permanent: bool
    step: str | None
    exhausted: bool = False


@dataclass(frozen=True)
class Cancelled:
    """From a slot: the job ended before a step, since it was to be cancelled."""


FromSlot = StepStarted | StepEnded | Produced | Failed | Cancelled
