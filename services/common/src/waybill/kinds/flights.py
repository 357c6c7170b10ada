"""`flights`: departures from New York in 2013, as a page that a manager would print."""

from calendar import monthrange
from datetime import date
from typing import Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from waybill.kinds.definition import Kind, Parameters

YEAR = 2013
"""The one year that the data set covers."""

STEPS = (
    "load flights",
    "key figures",
    "delays by carrier",
    "delays by hour",
    "worst routes",
    "weather against delay",
    "charts",
    "render",
)


class Period(NamedTuple):
    """Both days belong to it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


class FlightsParameters(Parameters):
    """Which flights the report is about; without any parameter, all of 2013.

    Give the period as a month, or as a first and a last day, not both.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"month": 2},
                {"month": 7, "carrier": "B6", "airport": "JFK"},
                {"first_day": "2013-11-27", "last_day": "2013-12-01"},
            ]
        }
    )

    month: int | None = Field(
        default=None, ge=1, le=12, description="A month of 2013. Leave it empty where days are given."
    )
    first_day: date | None = Field(
        default=None,
        description="The first day of the period, in 2013; without it, 1 January.",
        json_schema_extra={"pattern": f"^{YEAR}-"},
    )
    last_day: date | None = Field(
        default=None,
        description="The last day of the period, in 2013; without it, 31 December.",
        json_schema_extra={"pattern": f"^{YEAR}-"},
    )
    carrier: str | None = Field(
        default=None,
        pattern="^[A-Z0-9]{2}$",
        description="The airline's IATA code, such as B6 for JetBlue; without it, every carrier.",
    )
    airport: Literal["EWR", "JFK", "LGA"] | None = Field(
        default=None, description="The airport of departure; without it, all three of New York's."
    )

    @field_validator("first_day", "last_day")
    @classmethod
    def _within_the_year(cls, day: date | None) -> date | None:
        if day is not None and day.year != YEAR:
            raise PydanticCustomError(
                "outside_the_data",
                "The data covers {year} alone; {day} is outside.",
                {"year": YEAR, "day": str(day)},
            )
        return day

    @model_validator(mode="after")
    def _one_period(self) -> Self:
        if self.month is not None and (self.first_day or self.last_day):
            raise PydanticCustomError(
                "two_periods", "Give the period as month, or as first_day and last_day, not both."
            )
        first, last = map(str, self.period)
        if first > last:
            raise PydanticCustomError(
                "reversed_period",
                "The first day, {first}, is after the last day, {last}.",
                {"first": first, "last": last},
            )
        return self

    @property
    def period(self) -> Period:
        """The days that the report covers, whichever way they were given."""
        if self.month is not None:
            return Period(date(YEAR, self.month, 1), date(YEAR, self.month, monthrange(YEAR, self.month)[1]))
        return Period(self.first_day or date(YEAR, 1, 1), self.last_day or date(YEAR, 12, 31))


def step_names(_: FlightsParameters) -> tuple[str, ...]:
    """The same steps for every selection."""
    return STEPS


FLIGHTS = Kind(
    name="flights",
    title="Departures from New York",
    description="How punctual New York's departures of 2013 were, as a page to print.",
    parameters=FlightsParameters,
    steps=step_names,
    implementation="report_worker.kinds.flights:produce",
)
