"""The API's resources, as a client reads them: fields that a newer server adds are ignored."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Resource(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Status(StrEnum):
    """Where a report is."""

    INIT = "init"
    PROCESSING = "processing"
    DONE = "done"
    FAIL = "fail"
    CANCELLED = "cancelled"


ANONYMOUS = "anonymous"
"""The owner of a report that was requested without a credential."""

DEFAULT_TENANT = "default"

TERMINAL = frozenset({Status.DONE, Status.FAIL, Status.CANCELLED})
"""Where a report stays unless it is retried."""


class Progress(_Resource):
    """How far a report is: the step that changed last, and how many of `total` have ended."""

    step: str
    done: int
    total: int


class Failure(_Resource):
    """Why an attempt did not end well. `type` is one of a few words; `message` is for a person."""

    type: str
    message: str
    step: str | None = None


class StepStatus(StrEnum):
    """Where a step is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Step(_Resource):
    """A step that began or ended; `duration_ms` and `error` only where it ended. `reused`: it does not run,
    since an earlier attempt has stored its result."""

    name: str
    status: StepStatus
    duration_ms: int | None = None
    error: str | None = None
    reused: bool = False
    reused_from_attempt: int | None = None


class Artefact(_Resource):
    """A file that a report produced, in an event. `size` in bytes; `output`, which of the kind's outputs it
    is."""

    filename: str
    media_type: str
    size: int
    sha256: str
    output: str | None = None


class StatusEventType(StrEnum):
    """What changed: the report's status, or a step of its attempt."""

    STATUS = "status"
    STEP = "step"


class StatusEvent(_Resource):
    """One event of a report's status stream: the report at that version, with what changed. `artefacts` only
    where there are several."""

    report_id: UUID
    kind: str
    version: int
    type: StatusEventType
    at: datetime
    status: Status
    attempt: int
    progress: Progress | None = None
    step: Step | None = None
    error: Failure | None = None
    artefact: Artefact | None = None
    artefacts: tuple[Artefact, ...] | None = None
    trace_id: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    not_before: datetime | None = None
    cancel_requested: bool = False


class LogRecord(_Resource):
    """A line that a job has printed (`stream` is `stdout` or `stderr`), or what it has logged at once
    (`log`), with `level` and `logger`. Where `dropped` is not 0, it stands for that number of lines."""

    attempt: int
    line: int
    at: datetime
    text: str
    step: str | None = None
    stream: str | None = None
    level: str | None = None
    logger: str | None = None
    dropped: int = 0

    @property
    def position(self) -> str:
        """After which to go on."""
        return f"{self.attempt}:{self.line}"


class LogPage(_Resource):
    """Records in their order, and where the next page begins, if there is one now."""

    records: tuple[LogRecord, ...]
    next: str | None = None


class ArtefactLink(_Resource):
    """A file that a report produced, and where to get it: `href` is relative to the API. `size` in bytes;
    `output`, which of the kind's outputs it is."""

    href: str
    filename: str
    media_type: str
    size: int
    sha256: str
    output: str | None = None


class DeliveryStatus(StrEnum):
    """Where the call of a webhook is: not made yet, made in vain and to be made again, or at its end."""

    PENDING = "pending"
    FAILED = "failed"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Webhook(_Resource):
    """What has become of the call that says that a report has ended. `version` is the report's at its end;
    `url` is without its query."""

    url: str
    status: DeliveryStatus
    version: int | None = None
    attempts: int = 0
    last_status: int | None = None
    last_error: str | None = None
    next_try_at: datetime | None = None


class Links(_Resource):
    """Where to go from a report; a server without pages has an empty one."""

    page: str = ""


class Estimate(_Resource):
    """When a report may begin and end, from how long the latest of its kind took, `based_on` of them.
    `position`: 1 of the one that is next, None of one that runs; `position_more`: it is that or more."""

    position: int | None = None
    position_more: bool = False
    start_from: datetime
    start_to: datetime
    end_from: datetime
    end_to: datetime
    based_on: int


class Report(_Resource):
    """A report as the API shows it. A server that knows no owners yet names none. `artefacts` are all of its
    files, `artefact` the first of them; `outputs`, what was requested."""

    id: UUID
    tenant: str = DEFAULT_TENANT
    owner: str = ANONYMOUS
    kind: str
    parameters: Mapping[str, Any]
    status: Status
    version: int
    attempt: int
    progress: Progress | None = None
    error: Failure | None = None
    outputs: tuple[str, ...] | None = None
    artefact: ArtefactLink | None = None
    artefacts: tuple[ArtefactLink, ...] = ()
    kind_paused: bool = False
    webhook: Webhook | None = None
    tags: tuple[str, ...] = ()
    rerun_of: UUID | None = None
    trace_id: str | None = None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    links: Links = Links()

    @property
    def ended(self) -> bool:
        """Nothing more will happen to it."""
        return self.status in TERMINAL

    @model_validator(mode="before")
    @classmethod
    def _of_a_server_before(cls, data: Any) -> Any:
        """It names the one artefact alone."""
        if isinstance(data, dict) and "artefacts" not in data and data.get("artefact"):
            return {**data, "artefacts": [data["artefact"]]}
        return data


class ShownReport(Report):
    """One report as it is shown alone."""

    estimate: Estimate | None = None


class OperationAction(StrEnum):
    """What is done to many reports at once."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"


class OperationCount(_Resource):
    """How many reports an operation would be about; `matched_more`: there may be more."""

    matched: int
    matched_more: bool = False


class OperationReason(_Resource):
    """Why a report was left as it was: `outcome` is `skipped` or `failed`."""

    report_id: UUID
    outcome: str
    reason: str


class Operation(_Resource):
    """One action on many reports, and how far it is. `state` is `running`, `done`, or `failed` where a fault
    of the server has ended it, which `error` names. `reasons`: of the first that were skipped or failed."""

    id: UUID
    action: str
    state: str
    matched: int
    matched_more: bool = False
    done: int
    skipped: int
    failed: int
    reasons: tuple[OperationReason, ...] = ()
    error: str | None = None
    tenant: str = DEFAULT_TENANT
    owner: str = ANONYMOUS
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None

    @property
    def handled(self) -> int:
        """The reports that it is through with."""
        return self.done + self.skipped + self.failed

    @property
    def ended(self) -> bool:
        return self.finished_at is not None


class ReportPage(_Resource):
    """Some reports, newest first, and where the next page begins, if there is one."""

    reports: tuple[Report, ...]
    next_cursor: str | None = None
    searched: int | None = None


class ReportSpan(_Resource):
    """A part of a report's time; `duration_ms` is None while it runs. `parent`: the span it is part of."""

    id: str
    parent: str | None = None
    name: str
    service: str = ""
    start: datetime
    duration_ms: float | None = None
    status: str = "ok"
    error: str | None = None
    attributes: Mapping[str, Any] = Field(default_factory=dict)
    running: bool = False


class Waterfall(_Resource):
    """Where a report's time went. `source`: `database`, or `jaeger` where all that was traced is there."""

    report_id: UUID
    trace_id: str | None = None
    source: str
    truncated: bool = False
    spans: tuple[ReportSpan, ...]


class DeadLetter(_Resource):
    """What could not be done: a report whose attempts are exhausted, or a message that cannot be read, which
    has no owner."""

    id: UUID
    reason: str
    detail: str
    report_id: UUID | None = None
    tenant: str | None = None
    owner: str | None = None
    topic: str
    partition: int
    offset: int
    value_size: int | None = None
    value_sha256: str | None = None
    value_kept: int | None = None
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
    """A kind that the server knows; `parameters` is a JSON Schema. Of its `outputs`, the first is the
    default. `offered_by`: how many workers can produce its reports now; None where that is not known."""

    name: str
    title: str
    description: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    max_running: int | None = None
    paused_at: datetime | None = None
    reason: str | None = None
    offered_by: int | None = None


class ParameterSet(_Resource):
    """Parameters of a kind that are kept under a name. `shared`: all of the owner's tenant may use them."""

    kind: str
    name: str
    owner: str
    parameters: Mapping[str, Any]
    shared: bool = False
    created_at: datetime
    updated_at: datetime


class ParameterSetList(_Resource):
    """The caller's own, and those that are shared in its tenant."""

    parameter_sets: tuple[ParameterSet, ...]


class KindLimit(_Resource):
    """How many reports of a kind run at once, in all tenants, and whether it is paused."""

    kind: str
    max_running: int | None = None
    paused_at: datetime | None = None
    paused_by: str | None = None
    reason: str | None = None


class UnavailableKind(_Resource):
    """A kind that a package offers on the server, but that cannot be used, and why."""

    name: str
    reason: str


class KindList(_Resource):
    """Every kind that the server knows, and those of which it refuses requests."""

    kinds: tuple[KindInfo, ...]
    unavailable: tuple[UnavailableKind, ...] = ()


class Role(StrEnum):
    """What the holder of a key may do."""

    REQUESTER = "requester"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"


class ApiKey(_Resource):
    """A key as the API shows it, without its secret. `roles` may have some that a newer server knows.
    `last_used_at` is right to the minute."""

    id: str
    name: str
    tenant: str
    owner: str
    roles: tuple[str, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class NewApiKey(ApiKey):
    """A key that was made or rotated: `token` is what its holder sends, and is answered this once."""

    token: str = Field(repr=False)


class ApiKeyList(_Resource):
    """All keys, those that were revoked too."""

    keys: tuple[ApiKey, ...]


class Level(StrEnum):
    """Whom limits are for: all of a tenant together, or one owner."""

    TENANT = "tenant"
    OWNER = "owner"


class Limits(_Resource):
    """Limits of a tenant or an owner; None where there is none. As `tenant` or `owner`, None stands for each
    that has no value of its own."""

    level: Level
    tenant: str | None = None
    owner: str | None = None
    weight: int | None = None
    max_queued: int | None = None
    max_running: int | None = None
    max_requests_per_minute: int | None = None
    max_streams: int | None = None
    max_kept_bytes: int | None = None


class LimitsList(_Resource):
    """Those that are set."""

    limits: tuple[Limits, ...]


class Usage(_Resource):
    """What a tenant or an owner has now, and the limits that hold for it. `requests`: of the last minute,
    those that still count; `kept_bytes` is None where no limit has them counted."""

    limits: Limits
    queued: int
    running: int
    requests: int
    streams: int
    kept_bytes: int | None = None


class Action(StrEnum):
    """What the audit keeps."""

    REQUEST = "request"
    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"
    REDRIVE = "redrive"
    DOWNLOAD = "download"
    CREATE_KEY = "create_key"
    ROTATE_KEY = "rotate_key"
    REVOKE_KEY = "revoke_key"
    SET_LIMITS = "set_limits"
    REMOVE_LIMITS = "remove_limits"
    PAUSE_KIND = "pause_kind"
    RESUME_KIND = "resume_kind"
    LIMIT_KIND = "limit_kind"
    SAVE_PARAMETERS = "save_parameters"
    REMOVE_PARAMETERS = "remove_parameters"
    SAVE_VIEW = "save_view"
    REMOVE_VIEW = "remove_view"


class AuditEntry(_Resource):
    """Who did what. `action` may be one that a newer server knows; `subject` is what it was done to, where
    that is no report, and `tenant` whose that is."""

    id: int
    at: datetime
    actor: str
    actor_tenant: str
    credential: str
    action: str
    tenant: str
    report_id: UUID | None = None
    subject: str | None = None
    trace_id: str | None = None


class AuditPage(_Resource):
    """Some entries, newest first, and where the next page begins, if there is one."""

    entries: tuple[AuditEntry, ...]
    next_cursor: int | None = None
