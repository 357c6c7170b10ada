"""A kind whose parameters are of every type."""

from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, Literal

from pydantic import Field, JsonValue

from waybill.kinds import Kind, Parameters


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Inner(Parameters):
    size: int


class AllSorts(Parameters):
    """Every type that JSON may carry."""

    whole: int = 0
    share: float = 0
    amount: Decimal = Decimal(0)
    yes: bool = False
    text: str = ""
    day: date = date(2013, 1, 1)
    at: datetime | None = None
    level: Level = Level.LOW
    word: Literal["a", 7] = "a"
    either: int | str = 0
    maybe: int | None = None
    pair: tuple[int, str] = (0, "")
    counts: dict[str, int] = Field(default_factory=dict)
    days: set[date] = Field(default_factory=set)
    inner: list[Inner] = Field(default_factory=list)
    anything: Any = None
    by_name: dict[str, Any] = Field(default_factory=dict)
    json_: JsonValue = Field(default=None, alias="json")


ALL_SORTS = Kind("all-sorts", "All sorts", "", AllSorts, lambda _: (), "nowhere:produce")
