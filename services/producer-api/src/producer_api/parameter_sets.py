"""Sets of parameters that clients keep under a name: their JSON, and what is checked of them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from producer_api.error_messages import MISSING
from producer_api.problems import FieldError, Problem, field_errors
from producer_api.storable import refuse_unstorable, unstorable
from waybill.domain import ParameterSet
from waybill.kinds import Kind

SetName = Annotated[
    str, Field(min_length=1, max_length=100, pattern="^[^/\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]+$")
]
_name = TypeAdapter(SetName)


class ParameterSetRequest(BaseModel):
    """A set of parameters that is to be kept instead of what there is under its name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    parameters: dict[str, Any] = Field(
        max_length=1000,
        description="Of the kind, or some of them: a request gives those that are missing.",
        examples=[{"month": 7}],
    )
    shared: bool = Field(
        default=False, description="All of the tenant may use it. Needs the role of an operator or an admin."
    )


class ParameterSetResource(BaseModel):
    """A set of parameters."""

    kind: str
    name: str
    owner: str = Field(description="Who keeps it.")
    parameters: dict[str, Any]
    shared: bool = Field(description="All of the tenant may use it.")
    created_at: datetime
    updated_at: datetime


class ParameterSetList(BaseModel):
    """The client's own sets, and those that are shared in its tenant, by name."""

    parameter_sets: list[ParameterSetResource]


def set_resource(found: ParameterSet) -> ParameterSetResource:
    return ParameterSetResource.model_validate({**vars(found), "owner": found.owner.name})


def checked_name(name: str) -> str:
    try:
        return _name.validate_python(name)
    except ValidationError:
        message = "must have 1 to 100 characters, none of them '/', a control character or a line break"
        raise Problem(
            "wrong-request", f"name: {message}.", [FieldError(field="name", message=message)]
        ) from None


def check_some(kind: Kind, parameters: Mapping[str, Any]) -> None:
    """Raises `Problem` where they are wrong; that some are missing is not."""
    refuse_unstorable(parameters)
    _refuse_long_numbers(parameters)
    try:
        kind.read_parameters(parameters)
    except ValidationError as error:
        found = field_errors(error, "parameters", given=parameters)
        wrong = [one for one in found if one.message != MISSING]
        if wrong:
            detail = "; ".join(f"{item.field}: {item.message}" for item in wrong)
            raise Problem("wrong-request", detail, wrong) from None


def _refuse_long_numbers(value: Any, field: str = "parameters") -> None:
    if isinstance(value, Decimal):
        raise unstorable(field, "must have at most 15 digits")
    members = dict(enumerate(value)) if isinstance(value, list) else value
    for name, inner in members.items() if isinstance(members, dict) else ():
        _refuse_long_numbers(inner, f"{field}.{name}")
