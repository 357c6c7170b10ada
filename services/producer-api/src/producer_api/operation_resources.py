"""The bodies of operations: one action on many reports."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic.config import JsonDict

from producer_api.access import Permission, permitted_scope
from producer_api.addressing import path_of
from producer_api.finding import Text, Time, parameter_value, whose
from producer_api.problems import FieldError, Problem
from producer_api.resources import Name, Tag, Whole, Word
from waybill.domain import Operation, OperationAction, OperationState, Status, Untouched, possible
from waybill.ledger import Wanted
from waybill.store import ReportFilter

OPERATIONS = "/api/v1/operations"

_MAX_IDS = 1000
PERMISSIONS = {
    OperationAction.CANCEL: Permission.CHANGE,
    OperationAction.RETRY: Permission.CHANGE,
    OperationAction.DELETE: Permission.DELETE,
}


def _is_text(value: Any) -> Any:
    """A number would be read as seconds since 1970."""
    if value is not None and not isinstance(value, str):
        raise ValueError("must be a text, as 2026-11-23T12:00:00Z")
    return value


BodyTime = Annotated[Time, BeforeValidator(_is_text)]


def _different(ids: list[UUID]) -> list[UUID]:
    if len(set(ids)) < len(ids):
        raise ValueError("must be different from each other")
    return ids


_SORTS = {
    **dict.fromkeys(("status", "kind"), "array"),
    **dict.fromkeys(("owner", "tag", "created_after", "created_before", "error"), "string"),
}


def _with(name: str, schema: JsonDict) -> JsonDict:
    """With this field, as the schema has it."""
    return {"required": [name], "properties": {name: schema}}


class OperationFilter(BaseModel):
    """Which reports are meant: those that all of it holds for, as in the list of reports."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "anyOf": [
                *(_with(name, {"type": sort}) for name, sort in _SORTS.items()),
                _with("parameter", {"minProperties": 1}),
            ]
        },
    )

    status: list[Status] | None = Field(default=None, min_length=1, max_length=len(Status))
    kind: list[Word] | None = Field(default=None, min_length=1, max_length=20)
    owner: Name | None = Field(
        default=None, description="Who has requested them, for those who may change reports of others."
    )
    tag: Tag | None = None
    created_after: BodyTime | None = Field(default=None, description="Requested then or later.")
    created_before: BodyTime | None = Field(
        default=None, description="Requested earlier; never later than this request."
    )
    error: Word | None = Field(
        default=None, description="A part of the error's message, in upper or lower case."
    )
    parameter: dict[Name, Text] = Field(
        default_factory=dict,
        max_length=10,
        description="By its name: the parameter is this text, or is this as JSON.",
        examples=[{"month": "7"}],
    )

    @property
    def is_empty(self) -> bool:
        """It would be all reports."""
        return not any(self.model_dump().values())


class OperationRequest(BaseModel):
    """What is to be done, and to which reports: those of a filter, or those with these ids."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [_with(name, {"type": sort}) for name, sort in (("filter", "object"), ("ids", "array"))]
        },
    )

    action: OperationAction = Field(
        description="cancel: those that wait or run. retry: those that failed or were cancelled. delete: "
        "those that have ended, with their files."
    )
    filter: OperationFilter | None = None
    ids: Annotated[list[UUID], AfterValidator(_different)] | None = Field(
        default=None, min_length=1, max_length=_MAX_IDS, json_schema_extra={"uniqueItems": True}
    )
    expected: Whole | None = Field(
        default=None,
        ge=0,
        le=10_000,
        description="Refused where more reports match, or where there are too many to count.",
    )
    dry_run: Annotated[bool, Strict()] = Field(default=False, description="Counts them, and does nothing.")


class OperationCount(BaseModel):
    """How many reports an operation would be about."""

    matched: int
    matched_more: bool = Field(description="There may be more: that many were counted.")


class ReasonResource(BaseModel):
    """A report that was left as it was, and why."""

    report_id: UUID
    outcome: Untouched
    reason: str


class OperationLinks(BaseModel):
    """Where to look at it."""

    self: str


class OperationResource(BaseModel):
    """One action on many reports, and how far it is."""

    id: UUID
    action: OperationAction
    state: OperationState
    matched: int = Field(description="How many reports it is about; counted when it was requested.")
    matched_more: bool = Field(description="There may be more: at most 10,000 are counted before.")
    done: int
    skipped: int = Field(description="Left as they were: the action does not apply to them, or no longer.")
    failed: int = Field(description="Tried in vain.")
    reasons: list[ReasonResource] = Field(description="Of the first 20 that were skipped or failed.")
    error: str | None = Field(description="What has ended it before all were done.")
    tenant: str
    owner: str = Field(description="Who has requested it.")
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    links: OperationLinks


def operation_resource(operation: Operation) -> OperationResource:
    view = {
        **vars(operation),
        "tenant": operation.owner.tenant,
        "owner": operation.owner.name,
        "reasons": [vars(one) for one in operation.reasons],
        "links": OperationLinks(self=path_of(f"{OPERATIONS}/{operation.id}")),
    }
    return OperationResource.model_validate(view)


def wanted_of(request: OperationRequest) -> Wanted:
    """Whose reports it may touch is that of the single action. Raises `Problem` where it is not said which
    reports are meant, or the client may not do it to them."""
    permission = PERMISSIONS[request.action]
    scope = permitted_scope(permission)
    if (request.filter is None) == (request.ids is None):
        raise _wrong("filter", "give either a filter or ids, which say which reports are meant")
    if request.filter is None:
        return Wanted(request.action, scope, ids=request.ids or ())
    given = request.filter
    if given.is_empty:
        raise _wrong("filter", "it is empty, which would be all reports: say which are meant, as by status")
    try:
        statuses = possible(request.action, given.status or ())
    except ValueError as error:
        raise _wrong("filter.status", str(error)) from None
    scope, owner = whose(given.owner, permission)
    meant = ReportFilter(
        statuses=statuses,
        kinds=given.kind or (),
        scope=scope,
        since=given.created_after,
        until=given.created_before,
        owner=owner,
        tag=given.tag,
        error=given.error,
        parameters={name: parameter_value(text) for name, text in given.parameter.items()},
    )
    return Wanted(request.action, scope, meant)


def _wrong(field: str, message: str) -> Problem:
    return Problem("wrong-request", f"{field}: {message}.", [FieldError(field=field, message=message)])
