"""Which reports a client looks for: the query of their list."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from producer_api.access import Permission, permitted_scope
from producer_api.problems import Problem
from producer_api.resources import Name, Tag, Word
from waybill.domain import ANONYMOUS, Scope, Status
from waybill.store import ParameterValue, ReportFilter

PARAMETER = "parameter."
"""What a query's parameter begins with that is for one of the report's."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_UNSTORABLE = re.compile(r"\\u0000|[\ud800-\udfff]")
_MAX_PARAMETERS = 10


def _listed(value: Any) -> Any:
    return value.split(",") if isinstance(value, str) else value


def _as_time(value: Any) -> Any:
    if isinstance(value, str) and not _RFC_3339.fullmatch(value):
        raise ValueError("must be a time with its zone (RFC 3339), as 2026-11-23T12:00:00Z; send + as %2B")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be in the years 1 to 9999, in UTC too") from None
    return value


Time = Annotated[datetime, BeforeValidator(_as_time), AfterValidator(_in_utc)]
Text = Annotated[str, Field(max_length=1000, pattern="^[^\\x00]*$")]


class ReportQuery(BaseModel):
    """Which reports to list: those that all of it holds for."""

    model_config = ConfigDict(extra="forbid")

    status: Annotated[list[Status], BeforeValidator(_listed)] = Field(
        default_factory=list,
        min_length=1,
        max_length=len(Status),
        description="One or several, with commas.",
        examples=[["done", "fail"]],
    )
    kind: Annotated[list[Word], BeforeValidator(_listed)] = Field(
        default_factory=list,
        min_length=1,
        max_length=20,
        description="One or several, with commas.",
        examples=[["flights"]],
    )
    owner: Name | None = Field(
        default=None, description="Who has requested them, for those who see reports of others."
    )
    tag: Tag | None = Field(default=None, examples=["month-end"])
    created_after: Time | None = Field(
        default=None, description="Requested then or later.", examples=["2026-11-01T00:00:00Z"]
    )
    created_before: Time | None = Field(default=None, description="Requested earlier.")
    error: Word | None = Field(
        default=None, description="A part of the error's message, in upper or lower case."
    )
    parameter: dict[Name, Text] = Field(
        default_factory=dict,
        max_length=_MAX_PARAMETERS,
        description="parameter.NAME=value: the parameter NAME is this text, or is this as JSON.",
        json_schema_extra={
            "propertyNames": {"pattern": r"^parameter\..+$"},
            "examples": [{"parameter.month": "7"}],
        },
    )
    limit: int = Field(default=50, ge=1, le=200)
    cursor: UUID | None = Field(default=None, description="A page's next_cursor.")

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, query: dict[str, Any]) -> dict[str, Any]:
        """What is for parameters has names of the client's."""
        given = {name for name in query if name.startswith(PARAMETER) and name != PARAMETER}
        if not given:
            return query
        rest = {name: value for name, value in query.items() if name not in given}
        return {"parameter": {name.removeprefix(PARAMETER): query[name] for name in given}, **rest}


def filter_of(query: ReportQuery) -> ReportFilter:
    """Raises `Problem` where the client does not see reports of the owner that it looks for."""
    scope, owner = whose(query.owner)
    return ReportFilter(
        statuses=query.status,
        kinds=query.kind,
        before=query.cursor,
        limit=query.limit,
        scope=scope,
        since=query.created_after,
        until=query.created_before,
        owner=owner,
        tag=query.tag,
        error=query.error,
        parameters={name: parameter_value(text) for name, text in query.parameter.items()},
    )


def whose(owner: str | None, permission: Permission = Permission.READ) -> tuple[Scope, str | None]:
    """Of whom, as an index has it, and who it is to be beyond that. Raises `Problem` where the client has the
    permission for its own alone, and `owner` is another."""
    scope = permitted_scope(permission)
    if owner is None or owner == scope.owner:
        return scope, None
    if scope.owner is not None:
        raise Problem("not-allowed", f"owner: your roles let you {permission} your own reports alone.")
    if scope.tenant is None or owner == ANONYMOUS:
        return scope, owner
    return Scope(scope.tenant, owner), None


def parameter_value(text: str) -> ParameterValue:
    """Not as JSON where PostgreSQL has none such."""
    try:
        exact = json.loads(text, parse_float=_number, parse_constant=_none_such)
        found = json.dumps(exact, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ParameterValue(text)
    return ParameterValue(text, None if _UNSTORABLE.search(found) else text)


def _number(text: str) -> float:
    """One that a float can hold, or nearly."""
    try:
        if abs(Decimal(text).adjusted()) <= 300:
            return float(text)
    except InvalidOperation:  # more digits in its exponent than a Decimal has
        pass
    raise ValueError(f"{text} is out of range")


def _none_such(text: str) -> float:
    raise ValueError(f"{text} is no JSON")
