"""The bodies and queries of the API's requests and responses."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

from producer_api.addressing import path_of
from producer_api.published import published_schema
from waybill.domain import (
    DEFAULT_TENANT,
    NORMAL_PRIORITY,
    Action,
    ApiKey,
    AuditEntry,
    Delivery,
    DeliveryStatus,
    Estimate,
    Holder,
    HolderLimits,
    KindLimit,
    Level,
    LimitValues,
    Report,
    Role,
    Secret,
    Status,
    Usage,
    shown_url,
)
from waybill.file_headers import Disposition
from waybill.kinds import MAX_OUTPUTS, OUTPUT_PATTERN, Kind
from waybill.messages.status_event import ArtefactModel, FailureModel, ProgressModel
from waybill.store import StoredDeadLetter

BASE = "/api/v1/reports"

Word = Annotated[str, Field(min_length=1, max_length=100, pattern="^[^\\x00]*$")]
"""A short text without U+0000, which a text of PostgreSQL cannot hold."""

Name = Annotated[str, Field(min_length=1, max_length=200, pattern="^[^\\x00]*$")]
"""As `Word`, of a tenant or an owner."""


Whole = Annotated[int, Strict()]
"""A whole number in a body: neither true nor "1"."""

Tag = Annotated[str, Field(min_length=1, max_length=50, pattern="^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]+$")]
"""A short text without control characters and line breaks."""


def _unique(tags: list[str]) -> list[str]:
    if len(set(tags)) < len(tags):
        raise ValueError("must be unique")
    return tags


Tags = Annotated[
    list[Tag], Field(max_length=20, json_schema_extra={"uniqueItems": True}), AfterValidator(_unique)
]


def _as_float(value: Any) -> Any:
    """A number of more digits than a float has is read as Decimal."""
    return float(value) if isinstance(value, Decimal) else value


OutputName = Annotated[str, Field(pattern=OUTPUT_PATTERN)]


def _different(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise PydanticCustomError("different", "must be different from each other")
    return names


class WebhookRequest(BaseModel):
    """What is called when the report has ended."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str = Field(
        min_length=1,
        max_length=2048,
        description="Gets a POST, signed as Standard Webhooks, when the report is done, has failed or was "
        "cancelled. Its host must be one that the service allows.",
        examples=["https://example.com/reports"],
    )


class ReportRequest(BaseModel):
    """The body of a request for a report."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"type": "string"}}}
                for name in ("kind", "rerun_of")
            ]
        },
    )

    kind: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Needed, but where it is that of `rerun_of`.", examples=["flights"]
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        max_length=1000,
        description="Must match the kind's JSON Schema, which GET /api/v1/kinds returns. With `rerun_of`, "
        "they replace those of that report at the top level; one that is null is left out, so that its "
        "default counts.",
        examples=[{"month": 7}],
    )
    timeout_seconds: Annotated[float, BeforeValidator(_as_float)] | None = Field(
        default=None,
        ge=0.001,
        le=31_536_000,
        allow_inf_nan=False,
        description="Time limit of each attempt, in seconds; at most the kind's own limit.",
    )
    priority: int = Field(
        default=NORMAL_PRIORITY,
        ge=1,
        le=5,
        description="Of the reports of one owner that wait, those of the lowest are first.",
    )
    outputs: Annotated[list[OutputName], AfterValidator(_different)] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_OUTPUTS,
        json_schema_extra={"uniqueItems": True},
        description="Which of the kind's outputs are wanted; without it, its first.",
        examples=[["html", "pdf"]],
    )
    webhook: WebhookRequest | None = None
    tags: Tags = Field(
        default_factory=list, description="For finding it again.", examples=[["month-end", "sales"]]
    )
    rerun_of: Annotated[UUID, Strict(False)] | None = Field(
        default=None,
        description="A report that is requested again. What this request does not say is as it was there, "
        "but for its webhook.",
        examples=["019ab000-0000-7000-8000-000000000001"],
    )


class ArtefactResource(ArtefactModel):
    """A file that a report produced."""

    output: str | None = Field(description="Which of the kind's outputs it is; null of one that is none.")
    href: str


class ArtefactList(BaseModel):
    """The files of a report; none before they are there."""

    artefacts: list[ArtefactResource]


class PreviewColumn(BaseModel):
    """A column of a file."""

    name: str
    type: Literal["text", "number", "time", "boolean"]


class ArtefactPreview(BaseModel):
    """The first rows of a file. Texts of more than 200 characters are cut."""

    columns: list[PreviewColumn]
    rows: list[list[str | None]] = Field(description="Each with a text or null for each of the columns.")
    rows_in_all: int | None = Field(description="null where the file is too large to be read to its end.")
    columns_in_all: int
    truncated: bool = Field(description="The file has more than is shown.")


class WebhookResource(BaseModel):
    """What has become of the call that says that the report has ended."""

    url: str = Field(description="Without its query.")
    status: DeliveryStatus = Field(
        description="pending: the report has not ended, or it was not called yet; failed: it is called "
        "again; given_up: it is not."
    )
    version: int | None = Field(description="The report's at its end; null while it has not ended.")
    attempts: int = Field(description="How many calls there were.")
    last_status: int | None = Field(description="What it answered, if it did.")
    last_error: str | None = Field(description="Why the last call was in vain.")
    next_try_at: datetime | None


class Links(BaseModel):
    """Where to go from a report."""

    self: str
    events: str
    page: str = Field(description="For people, in a browser.")
    rerun_of: str | None = Field(description="The report that it repeats.")


class ReportResource(BaseModel):
    """One report."""

    id: UUID
    tenant: str
    owner: str = Field(description="Who has requested it.")
    kind: str
    parameters: dict[str, Any]
    priority: int
    outputs: list[str] | None = Field(description="As requested; null for the kind's first, if it has any.")
    status: Status
    version: int = Field(description="Counts every change of the report.")
    attempt: int
    cancel_requested: bool = Field(description="A worker has been asked to stop it.")
    not_before: datetime | None = Field(description="When it is tried again, while it waits for a retry.")
    kind_paused: bool = Field(description="It waits, and does so until its kind is resumed.")
    progress: ProgressModel | None
    error: FailureModel | None
    artefact: ArtefactResource | None = Field(description="The first of `artefacts`.")
    artefacts: list[ArtefactResource] = Field(description="All of them; none before they are there.")
    definition: str | None = Field(
        description="Of a kind that is a definition: the SHA-256 of the text that it was requested with."
    )
    webhook: WebhookResource | None
    trace_id: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    tags: list[str]
    rerun_of: UUID | None = Field(description="The report that it repeats, maybe with other parameters.")
    links: Links


class EstimateResource(BaseModel):
    """When the report may begin and end, from how long others of its kind took. Nothing that is promised."""

    position: int | None = Field(
        description="1: it is next. At most 1,000 are counted. null of one that runs."
    )
    position_more: bool = Field(description="It is that, or more.")
    start_from: datetime
    start_to: datetime
    end_from: datetime
    end_to: datetime
    based_on: int = Field(description="How many reports of the kind it is made from: the latest, 50 at most.")


class ShownReport(ReportResource):
    """One report, and when it may begin and end."""

    estimate: EstimateResource | None = Field(
        description="null of one that has ended or is to be cancelled, where fewer than five of the kind "
        "were done in the last seven days, and where none can start: its kind is paused, or there is no "
        "worker."
    )


class ReportPage(BaseModel):
    """Reports, newest first; `next_cursor` is null on the last page."""

    reports: list[ReportResource]
    next_cursor: str | None = Field(
        description="Where the next page begins. One that was searched for may be empty, and not the last."
    )
    searched: int | None = Field(
        description="How many of the newest reports were looked at, where no index leads to those that are "
        "wanted: with `tag`, `error`, `parameter.…`, and with `owner` for those who see all tenants. At most "
        "10,000; `next_cursor` goes on behind them."
    )


class DownloadQuery(BaseModel):
    """What a browser is to do with a file. Other parameters, as trackers add them to links, are ignored."""

    download: bool = Field(default=False, description="It saves the file, also where it could show it.")

    @property
    def shown(self) -> Disposition:
        return Disposition.ATTACHMENT if self.download else Disposition.INLINE


class KindResource(BaseModel):
    """One kind; `parameters` is its JSON Schema."""

    name: str
    title: str
    description: str
    parameters: dict[str, Any]
    outputs: list[str] = Field(description="What a request may choose from; the first is the default.")
    max_running: int | None = Field(description="How many run at once, in all tenants; null for any number.")
    paused_at: datetime | None = Field(description="Since when none starts; null of one that is not paused.")
    reason: str | None = Field(description="Why it is paused.")
    offered_by: int | None = Field(
        description="How many workers that are there now can produce its reports; null while that is not "
        "known, as of workers of an earlier version, or while the database is away."
    )


class UnavailableKindResource(BaseModel):
    """A kind that a package offers, but that cannot be used."""

    name: str
    reason: str


class KindList(BaseModel):
    """The installed kinds."""

    kinds: list[KindResource]
    unavailable: list[UnavailableKindResource] = Field(description="Requests for these are refused.")


class KindPauseRequest(BaseModel):
    """Why a kind is paused."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern="^[^\\x00]*$")] | None = Field(
        default=None, description="For people.", examples=["the source of its data is away"]
    )


class KindLimitRequest(BaseModel):
    """How many reports of a kind may run at once."""

    model_config = ConfigDict(extra="forbid")

    max_running: Whole | None = Field(ge=0, le=2**31 - 1, description="null for any number.")


class KindLimitResource(BaseModel):
    """What limits the reports of a kind."""

    kind: str
    max_running: int | None
    paused_at: datetime | None
    paused_by: str | None
    reason: str | None


class RedriveRefused(BaseModel):
    """A dead letter that stays."""

    id: UUID
    detail: str


class DeadLetterResource(BaseModel):
    """What could not be done, and why."""

    id: UUID
    reason: str
    detail: str
    report_id: UUID | None
    tenant: str | None
    owner: str | None = Field(description="Whose report it is of; null of a message.")
    topic: str
    partition: int
    offset: int
    value_size: int | None = Field(description="Of a message: its value's size in bytes.")
    value_sha256: str | None
    value_kept: int | None = Field(description="How many bytes of the value are still stored.")
    attempts: int | None
    stack: str | None
    trace_id: str | None
    created_at: datetime
    redriven_at: datetime | None


class DeadLetterPage(BaseModel):
    """Dead letters, newest first; `next_cursor` is null on the last page."""

    dead_letters: list[DeadLetterResource]
    next_cursor: str | None


class DeadLetterQuery(BaseModel):
    """Which dead letters to list; those that were redriven only where `redriven` is true."""

    model_config = ConfigDict(extra="forbid")

    reason: Word | None = None
    redriven: bool = False
    limit: int = Field(default=50, ge=1, le=200)
    cursor: UUID | None = None


FromStart = Annotated[bool, Field(description="Whether also steps run again whose results are stored.")]


class RetryRequest(BaseModel):
    """How a report is to be tried again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    from_start: FromStart = False


class RedriveRequest(BaseModel):
    """Which dead letters to redrive: at most `limit` of those with this reason."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Word | None = None
    limit: int = Field(default=100, ge=1, le=200)
    from_start: FromStart = False


class Redriven(BaseModel):
    """What a redrive has restarted, and what it could not."""

    reports: list[UUID]
    refused: list[RedriveRefused]


class KeyRequest(BaseModel):
    """A key that is to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Word = Field(description="What it is for.", examples=["the shop's backend"])
    owner: Word = Field(description="Whose reports those are that are requested with it.")
    tenant: Word = DEFAULT_TENANT
    roles: list[Role] = Field(default=[Role.REQUESTER], min_length=1, max_length=len(Role))
    expires_in_days: Annotated[float, Strict()] | None = Field(
        default=None, gt=0, le=36_500, allow_inf_nan=False
    )


class KeyResource(BaseModel):
    """A key, without its secret."""

    id: str
    name: str
    tenant: str
    owner: str
    roles: list[Role]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class NewKeyResource(KeyResource):
    """A key that was made or rotated."""

    token: str = Field(description="What its holder sends. It is answered this once.", repr=False)


class KeyList(BaseModel):
    """All keys."""

    keys: list[KeyResource]


_EACH = "null: each that has no value of its own."
_MOST_INTEGER, _MOST_BIGINT = 2**31 - 1, 2**63 - 1


class HolderQuery(BaseModel):
    """Whom limits are for: all of a tenant together, or one owner."""

    model_config = ConfigDict(extra="forbid")

    level: Level
    tenant: Name | None = Field(default=None, description=_EACH)
    owner: Name | None = Field(default=None, description=f"At the level of owners. {_EACH}")


class LimitsRequest(HolderQuery):
    """Limits that are to be set, instead of those that the holder has. What is not given is not limited."""

    weight: Whole | None = Field(
        default=None, ge=1, le=100, description="With twice the weight, twice as much is under way."
    )
    max_queued: Whole | None = Field(
        default=None, ge=0, le=_MOST_INTEGER, description="Reports with the status init."
    )
    max_running: Whole | None = Field(
        default=None, ge=0, le=_MOST_INTEGER, description="Reports that run; further ones wait."
    )
    max_requests_per_minute: Whole | None = Field(default=None, ge=0, le=_MOST_INTEGER)
    max_streams: Whole | None = Field(
        default=None, ge=0, le=_MOST_INTEGER, description="Status streams that are open."
    )
    max_kept_bytes: Whole | None = Field(
        default=None, ge=0, le=_MOST_BIGINT, description="Of the artefacts of reports that are kept."
    )


class LimitsResource(BaseModel):
    """Limits of a tenant or an owner; null where there is none."""

    level: Level
    tenant: str | None = Field(description=_EACH)
    owner: str | None = Field(description=f"At the level of owners. {_EACH}")
    weight: int | None
    max_queued: int | None
    max_running: int | None
    max_requests_per_minute: int | None
    max_streams: int | None
    max_kept_bytes: int | None


class LimitsList(BaseModel):
    """All limits, or those that hold for the caller's tenant."""

    limits: list[LimitsResource]


class UsageQuery(BaseModel):
    """Whose usage: of a tenant, or of one owner of it."""

    model_config = ConfigDict(extra="forbid")

    tenant: Name | None = Field(default=None, description="The caller's own if it is not given.")
    owner: Name | None = None


class UsageResource(BaseModel):
    """What a tenant or an owner has now, and the limits that hold for it."""

    limits: LimitsResource
    queued: int = Field(description="At most 100,000 are counted.")
    running: int
    requests: int = Field(description="Of the last minute, those that still count against the limit.")
    streams: int = Field(description="Those that are counted: there is a limit for them.")
    kept_bytes: int | None = Field(description="null where no limit has them counted.")


class AuditQuery(BaseModel):
    """Which entries of the audit to list."""

    model_config = ConfigDict(extra="forbid")

    action: Action | None = None
    actor: Word | None = Field(default=None, description="Who did it.")
    report_id: UUID | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: int | None = Field(default=None, ge=1, le=2**63 - 1, description="A page's next_cursor.")


class AuditResource(BaseModel):
    """Who did what."""

    id: int
    at: datetime
    actor: str
    actor_tenant: str
    credential: str = Field(description="By which the actor was known.")
    action: str
    tenant: str = Field(description="Whose report or key it was done to.")
    report_id: UUID | None
    subject: str | None = Field(description="What it was done to, where that is no report.")
    trace_id: str | None


class AuditPage(BaseModel):
    """Entries, newest first; `next_cursor` is null on the last page."""

    entries: list[AuditResource]
    next_cursor: int | None


def key_resource(key: ApiKey) -> KeyResource:
    return KeyResource.model_validate(_of_key(key))


def new_key_resource(key: ApiKey, secret: Secret) -> NewKeyResource:
    return NewKeyResource.model_validate({**_of_key(key), "token": str(secret)})


def _of_key(key: ApiKey) -> dict[str, Any]:
    owner = {"tenant": key.owner.tenant, "owner": key.owner.name}
    return {**vars(key), **owner, "roles": sorted(key.roles)}


def limits_of(wanted: LimitsRequest) -> HolderLimits:
    """Raises ValueError where there can be no such holder."""
    values = wanted.model_dump(exclude=set(HolderQuery.model_fields))
    return HolderLimits(holder_of(wanted), LimitValues(**values))


def holder_of(query: HolderQuery) -> Holder:
    """Raises ValueError where there can be none such."""
    return Holder.named(query.level, query.tenant, query.owner)


def limits_resource(limits: HolderLimits) -> LimitsResource:
    holder = limits.holder
    whose = {"level": holder.level, "tenant": holder.tenant or None, "owner": holder.owner or None}
    return LimitsResource.model_validate({**whose, **vars(limits.values)})


def usage_resource(limits: HolderLimits, usage: Usage) -> UsageResource:
    return UsageResource.model_validate({"limits": limits_resource(limits), **vars(usage)})


def audit_resource(entry: AuditEntry) -> AuditResource:
    event = entry.event
    actor = {
        "actor": event.actor.owner.name,
        "actor_tenant": event.actor.owner.tenant,
        "credential": event.actor.credential,
    }
    return AuditResource.model_validate({**vars(event), **actor, "id": entry.id, "at": entry.at})


def report_resource(
    report: Report, *, kind_paused: bool = False, delivery: Delivery | None = None, root: str | None = None
) -> ReportResource:
    """Its addresses are those that the current request's client knows; with a `root`, those below it."""
    address = _address(report, root)
    artefacts = artefact_list(report, root).artefacts
    first = artefacts[0].model_copy(update={"href": f"{address}/artefact"}) if artefacts else None
    repeated = path_of(f"{BASE}/{report.rerun_of}") if report.rerun_of else None
    page = page_address(report.id) if root is None else f"{root}{_page(report.id)}"
    links = Links(self=address, events=f"{address}/events", page=page, rerun_of=repeated)
    made = {"artefact": first, "artefacts": artefacts, "links": links, "kind_paused": kind_paused}
    webhook = _webhook_resource(report.webhook, delivery) if report.webhook else None
    view = {**report.client_view(), **made, "webhook": webhook, "tags": report.tags or ()}
    return ReportResource.model_validate(view)


def shown_report(report: ReportResource, estimate: Estimate | None) -> ShownReport:
    made = EstimateResource.model_validate(vars(estimate)) if estimate else None
    return ShownReport.model_validate({**vars(report), "estimate": made})


def artefact_list(report: Report, root: str | None = None) -> ArtefactList:
    """As `report_resource`. Each address has the file's name."""
    address = f"{_address(report, root)}/artefacts"
    return ArtefactList(
        artefacts=[
            ArtefactResource(href=f"{address}/{quote(one.filename, safe='')}", **vars(one))
            for one in report.artefacts
        ]
    )


def page_address(report_id: UUID | str) -> str:
    """Of the page that shows the report, as the current request's client knows it."""
    return path_of(_page(report_id))


def _page(report_id: UUID | str) -> str:
    return f"/reports/{report_id}"


def _address(report: Report, root: str | None) -> str:
    path = f"{BASE}/{report.id}"
    return path_of(path) if root is None else f"{root}{path}"


def _webhook_resource(url: str, delivery: Delivery | None) -> WebhookResource:
    state = vars(delivery or Delivery(None, DeliveryStatus.PENDING, 0, None, None, None))
    return WebhookResource.model_validate({**state, "url": shown_url(url)})


def dead_letter_resource(letter: StoredDeadLetter) -> DeadLetterResource:
    trace_id = letter.carrier.trace_id if letter.carrier else None
    return DeadLetterResource.model_validate({**vars(letter), "trace_id": trace_id})


def kind_limit_resource(limit: KindLimit) -> KindLimitResource:
    return KindLimitResource.model_validate(vars(limit))


def kind_resource(kind: Kind, limit: KindLimit, offered_by: int | None) -> KindResource:
    return KindResource(
        name=kind.name,
        title=kind.title,
        description=kind.description,
        parameters=published_schema(kind).document,
        outputs=list(kind.outputs),
        max_running=limit.max_running,
        paused_at=limit.paused_at,
        reason=limit.reason,
        offered_by=offered_by,
    )
