"""A kind's parameters are the same in the API, in the row and in the slot, whatever its model does."""

import json
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    computed_field,
    field_validator,
)

from waybill.kinds import Kind, Parameters, ParametersNotKept


class Plain(Parameters):
    number: int = 3
    amount: Decimal = Decimal("0.12345678901234567890123456789")


class Computed(Parameters):
    width: int
    height: int = 2

    @computed_field
    def area(self) -> int:
        return self.width * self.height


class Aliased(Parameters):
    first_day: int = Field(alias="from")
    last_day: int = Field(default=9, alias="to")


class TwoAliases(Parameters):
    limit: int = Field(validation_alias=AliasChoices("limit", "max"), serialization_alias="at_most")
    first: int = 1


class Rounded(Parameters):
    share: Annotated[float, PlainSerializer(lambda value: round(value))]
    of: int = 100


class Doubled(Parameters):
    """Its validator changes what it has changed before."""

    number: int

    @field_validator("number")
    @classmethod
    def _double(cls, number: int) -> int:
        return number * 2


class Hidden(Parameters):
    number: int = Field(default=1, exclude=True)


class Row(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    first: int = Field(alias="from")


class Nested(Parameters):
    rows: list[Row]
    by_day: dict[int, set[str]] = Field(default_factory=dict)


class Made(Parameters):
    """A default that is another each time belongs to the request, and not to each reading."""

    token: UUID = Field(default_factory=uuid4)


class Shifting(Parameters):
    """No two readings are equal."""

    number: int

    @field_validator("number")
    @classmethod
    def _shift(cls, number: int) -> int:
        return number + uuid4().int


def kind(parameters: type[Parameters]) -> Kind:
    return Kind("any", "Any", "", parameters, lambda _: (), "nowhere:produce")


@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        (Plain, {}),
        (Plain, {"number": 3.0, "amount": Decimal("12345678901234567.890123456789")}),
        (Computed, {"width": 3}),
        (Aliased, {"from": 1}),
        (TwoAliases, {"max": 7}),
        (Rounded, {"share": 0.4}),
        (Doubled, {"number": 3}),
        (Hidden, {"number": 2}),
        (Nested, {"rows": [{"from": 1}, {"first": 2}], "by_day": {"1": ["b", "a"]}}),
    ],
)
def test_the_slot_reads_the_values_that_the_client_sent(
    parameters: type[Parameters], sent: dict[str, Any]
) -> None:
    one = kind(parameters)

    row = json.loads(json.dumps(one.stored_parameters(sent), allow_nan=False))

    assert one.read_parameters(row) == parameters.model_validate(sent)


def test_a_row_has_the_defaults_so_that_a_later_version_changes_none() -> None:
    assert kind(Plain).stored_parameters({})["number"] == Plain().number
    assert kind(Rounded).stored_parameters({"share": 0.4}) == {"share": 0.4, "of": 100}


def test_what_a_default_makes_is_made_once() -> None:
    one = kind(Made)

    row = one.stored_parameters({})

    assert one.read_parameters(row) == one.read_parameters(row)


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(ValidationError):
        kind(Aliased).stored_parameters({"first_day": 1})


def test_parameters_that_are_never_the_same_are_refused() -> None:
    with pytest.raises(ParametersNotKept, match="the kind any reads what would be stored as other values"):
        kind(Shifting).stored_parameters({"number": 1})
