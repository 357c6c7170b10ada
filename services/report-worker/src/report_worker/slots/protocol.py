"""What worker, template and slots say to each other: data only, checked by the end that receives it."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from report_worker.previews import MAX_BYTES
from waybill.domain import MAX_VALUE_BYTES, Carrier
from waybill.kinds import MAX_ARTEFACTS

_STRICT = ConfigDict(strict=True, extra="forbid")

_STORABLE = r"^[^\x00]*$"
Name = Annotated[str, Field(max_length=2000, pattern=_STORABLE)]
Text = Annotated[str, Field(max_length=200_000, pattern=_STORABLE)]
"""What a job can say of itself: much more than `sanitize` leaves, and yet an end; and nothing that the
database does not take."""


Preview = Annotated[str, Field(max_length=MAX_BYTES, pattern=_STORABLE)]
Json = Annotated[str, Field(max_length=MAX_VALUE_BYTES, pattern=_STORABLE)]


@dataclass(frozen=True, config=_STRICT)
class Options:
    """To a template, first: what its slots are to be. `secrets` are variables that only the set-up of
    telemetry sees; `skipped`, the implementations that the template leaves to its slots to import."""

    memory_mib: int
    log_format: Literal["json", "console"]
    log_level: Literal["debug", "info", "warning", "error"]
    traced: bool
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    skipped: tuple[str, ...] = ()
    type: Literal["options"] = "options"


@dataclass(frozen=True, config=_STRICT)
class Fork:
    """To a template: fork a slot. Its end of the channel comes with the message; with a `token`, which is
    that of its marks, also the pipes to which the output of its jobs goes."""

    token: Name | None = None
    type: Literal["fork"] = "fork"


@dataclass(frozen=True, config=_STRICT)
class End:
    """To a template: end a slot, with every process that came of it."""

    pid: int
    type: Literal["end"] = "end"


@dataclass(frozen=True, config=_STRICT)
class Importing:
    """From a template: it imports this implementation now. The last one before its death is to blame."""

    implementation: str
    type: Literal["importing"] = "importing"


@dataclass(frozen=True, config=_STRICT)
class Prepared:
    """From a template: it forks."""

    type: Literal["prepared"] = "prepared"


@dataclass(frozen=True, config=_STRICT)
class Forked:
    """From a template."""

    pid: int
    type: Literal["forked"] = "forked"


@dataclass(frozen=True, config=_STRICT)
class NotForked:
    """From a template."""

    reason: Text
    type: Literal["not_forked"] = "not_forked"


@dataclass(frozen=True, config=_STRICT)
class Ended:
    """From a template: a slot and every process that came of it has ended. `exit_code` is negative for a
    signal."""

    pid: int
    exit_code: int
    type: Literal["ended"] = "ended"


@dataclass(frozen=True, config=_STRICT)
class Reusable:
    """What a step of an earlier `attempt` has stored: the text of some JSON, or a file that is in the job's
    directory now. `carrier`: of the span that made it."""

    attempt: int
    value: Json | None
    path: Path | None
    carrier: Carrier | None


@dataclass(frozen=True, config=_STRICT)
class Job:
    """To a slot: one attempt. `carrier` is handle_report's, the parent of the steps' spans; `outputs` are
    those that are wanted. `results`: by the name of the step that shall not run again."""

    report_id: UUID
    attempt: int
    kind: str
    parameters: Mapping[str, Any]
    directory: Path
    carrier: Carrier | None
    definition: Annotated[str, Field(max_length=200_000)] | None = None
    """The text of the kind's definition, if it has one."""
    outputs: tuple[str, ...] = ()
    results: Mapping[str, Reusable] = field(default_factory=dict)
    type: Literal["job"] = "job"


@dataclass(frozen=True, config=_STRICT)
class Stop:
    """To a slot: end the step that runs, send out the spans, and exit."""

    type: Literal["stop"] = "stop"


@dataclass(frozen=True, config=_STRICT)
class Cancel:
    """To a slot: begin no other step of the job; the process goes on."""

    type: Literal["cancel"] = "cancel"


@dataclass(frozen=True, config=_STRICT)
class Noted:
    """To a slot: the step that has kept a result is written down, and the job can go on."""

    type: Literal["noted"] = "noted"


@dataclass(frozen=True, config=_STRICT)
class Ready:
    """From a slot: it takes a job."""

    type: Literal["ready"] = "ready"


@dataclass(frozen=True, config=_STRICT)
class StepStarted:
    """From a slot. `reused_from_attempt`: it does not run."""

    name: Name
    reused_from_attempt: int | None = None
    type: Literal["step_started"] = "step_started"


@dataclass(frozen=True, config=_STRICT)
class Kept:
    """What a step has left for a later attempt: the text of some JSON, or a file. `carrier`: of its span."""

    value: Json | None
    path: Path | None
    carrier: Carrier | None


@dataclass(frozen=True, config=_STRICT)
class StepEnded:
    """From a slot; `error` if the step failed. Where it has `kept` something, the slot waits for `Noted`."""

    name: Name
    duration_ms: Annotated[int, Field(ge=0, lt=2**31)]
    error: Text | None
    reused_from_attempt: int | None = None
    kept: Kept | None = None
    type: Literal["step_ended"] = "step_ended"


@dataclass(frozen=True, config=_STRICT)
class ProducedFile:
    """One of the files that a job has produced. `preview`: JSON of its first rows."""

    path: Path
    media_type: Name
    filename: Name
    output: Name | None = None
    preview: Preview | None = None


@dataclass(frozen=True, config=_STRICT)
class Produced:
    """From a slot: the job's files are written. `failed_step` is the first that failed and let the job go on.

    `left_over`, here and below: what of the job another would notice in the same process, which therefore
    takes no other.
    """

    files: Annotated[tuple[ProducedFile, ...], Field(min_length=1, max_length=MAX_ARTEFACTS)]
    failed_step: StepEnded | None = None
    left_over: tuple[Name, ...] = ()
    type: Literal["produced"] = "produced"


@dataclass(frozen=True, config=_STRICT)
class Failed:
    """From a slot: the job raised an exception. `step`: the step that it ended, if it did; the
    exception is then on that step's span already."""

    error_type: Name
    message: Text
    traceback: Text
    permanent: bool
    step: Name | None
    left_over: tuple[Name, ...] = ()
    type: Literal["failed"] = "failed"


@dataclass(frozen=True, config=_STRICT)
class Cancelled:
    """From a slot: the job ended before a step, since it was to be cancelled."""

    type: Literal["cancelled"] = "cancelled"


ToTemplate = Options | Fork | End
FromTemplate = Importing | Prepared | Forked | NotForked | Ended
ToSlot = Job | Noted | Cancel | Stop
FromSlot = Ready | StepStarted | StepEnded | Produced | Failed | Cancelled

TO_TEMPLATE: TypeAdapter[ToTemplate] = TypeAdapter(Annotated[ToTemplate, Field(discriminator="type")])
FROM_TEMPLATE: TypeAdapter[FromTemplate] = TypeAdapter(Annotated[FromTemplate, Field(discriminator="type")])
TO_SLOT: TypeAdapter[ToSlot] = TypeAdapter(Annotated[ToSlot, Field(discriminator="type")])
FROM_SLOT: TypeAdapter[FromSlot] = TypeAdapter(Annotated[FromSlot, Field(discriminator="type")])
