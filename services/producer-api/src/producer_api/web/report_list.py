"""What a person looks for in the list of reports: read from the page's address, and said in words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from producer_api.error_messages import pydantic_messages
from producer_api.finding import PARAMETER, ReportQuery
from producer_api.problems import FieldError, Problem
from producer_api.web.words import STATUS_WORDS, at
from waybill.domain import Status

WITHIN: Final = {
    "1h": ("last hour", timedelta(hours=1)),
    "24h": ("last 24 hours", timedelta(hours=24)),
    "7d": ("last 7 days", timedelta(days=7)),
    "30d": ("last 30 days", timedelta(days=30)),
}
"""What `within` may be: its words, and how long ago."""
FIELDS: Final = (
    "q",
    "status",
    "kind",
    "owner",
    "tag",
    "within",
    "parameter",
    "created_after",
    "created_before",
)
"""Of the address, besides `parameter.NAME`."""
_LOCAL: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d(?:\.\d+)?)?")
"""As a field of dates and times sends it."""
PAGE: Final = 50
TIMES: Final = {"created_after": "requested since", "created_before": "requested before"}
"""Fields that are times, and how they are said."""
_STATUS_WORDS: Final = {str(status): words.lower() for status, words in STATUS_WORDS.items()}


@dataclass(frozen=True)
class Looked:
    """`fields`: what was given, without what was left empty. `query`: None where something is wrong, which
    `errors` says by the field."""

    fields: Mapping[str, str]
    query: ReportQuery | None
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_filtered(self) -> bool:
        return any(name != "cursor" for name in self.fields)

    def checked(self) -> ReportQuery:
        """Raises `Problem` where something is wrong."""
        if self.query is None:
            wrong = [FieldError(field=name, message=text) for name, text in self.errors.items()]
            raise Problem("wrong-request", "; ".join(f"{one.field}: {one.message}" for one in wrong), wrong)
        return self.query

    @property
    def filter(self) -> dict[str, Any]:
        """The address's fields, from the newest again."""
        return self.without("cursor")

    def without(self, name: str) -> dict[str, Any]:
        """As `filter`, without this one."""
        return {other: value for other, value in self.fields.items() if other not in (name, "cursor")}

    @property
    def untimed(self) -> dict[str, Any]:
        """As `filter`, of any time."""
        return {name: value for name, value in self.filter.items() if name not in ("within", *TIMES)}

    def moment(self, name: str) -> datetime | None:
        """The time in this field; None where it has none that can be read."""
        if name not in TIMES or name in self.errors:
            return None
        try:
            found = datetime.fromisoformat(self.fields.get(name, ""))
            if found.tzinfo:
                found.astimezone(UTC)
                return found
        except (ValueError, OverflowError):  # the year 0 or 10000 in UTC, in a view that is kept already
            return None
        return None

    def words(self) -> Iterator[str]:
        """All that narrows the list."""
        if named := self.fields.get("status"):
            yield " or ".join(_STATUS_WORDS.get(one, one) for one in named.split(","))
        yield from (words for _, words in self.chips())

    def chips(self) -> Iterator[tuple[str, str]]:
        """The name of each field that narrows the list, but for the status, and what it says in words."""
        for name, value in self.fields.items():
            if name == "within":
                yield name, WITHIN[value][0] if value in WITHIN else value
            elif name == "q":
                yield name, f"error has \N{LEFT DOUBLE QUOTATION MARK}{value}\N{RIGHT DOUBLE QUOTATION MARK}"
            elif name in TIMES:
                moment = self.moment(name)
                yield name, f"{TIMES[name]} {at(moment) if moment else value}"
            elif name == "parameter" or name.startswith(PARAMETER):
                yield name, value if name == "parameter" else f"{name.removeprefix(PARAMETER)}={value}"
            elif name not in ("status", "cursor"):
                yield name, f"{name} {value}"


def report_id_in(text: str) -> UUID | None:
    """For a search that is an id."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def look(given: Mapping[str, str], now: datetime | None = None) -> Looked:
    """`given`: the address's fields. In the order of `FIELDS`; others than those of the page are
    left out. A time without a zone, as a form without scripts sends it, is in UTC."""
    of_parameters = sorted(name for name in given if name.startswith(PARAMETER))
    fields = {
        name: _with_zone(given[name].strip()) if name in TIMES else given[name].strip()
        for name in (*FIELDS, *of_parameters, "cursor")
        if given.get(name, "").strip()
    }
    wanted: dict[str, Any] = {"limit": PAGE}
    errors: dict[str, str] = {}
    for name, value in fields.items():
        match name:
            case "q":
                wanted["error"] = value
            case "within" if value in WITHIN:
                wanted["created_after"] = ((now or datetime.now(UTC)) - WITHIN[value][1]).isoformat()
            case "within":
                errors[name] = f"must be one of {', '.join(WITHIN)}"
            case "parameter" if "=" in value:
                key, _, text = value.partition("=")
                wanted[f"{PARAMETER}{key.strip()}"] = text.strip()
            case "parameter":
                errors[name] = "must be like month=7"
            case _:
                wanted[name] = value
    try:
        query = ReportQuery.model_validate(wanted)
    except ValidationError as error:
        errors |= {_field(path): message for path, message in pydantic_messages(error)}
        query = None
    return Looked(fields, None if errors else query, errors)


def is_as_sent(looked: Looked, given: Mapping[str, str]) -> bool:
    """Whether an address has no field that is empty and no time without its zone, as a form may send them."""
    return all(looked.fields.get(name) == given[name] for name in (*FIELDS, "cursor") if name in given)


def without_within(fields: Mapping[str, str]) -> dict[str, Any]:
    """What a form means that has times of its own beside those of a link."""
    has_times = any(name in fields for name in TIMES)
    return {name: value for name, value in fields.items() if name != "within" or not has_times}


def _with_zone(text: str) -> str:
    if found := _LOCAL.fullmatch(text):
        return f"{found[1]}{found[2] or ':00'}Z"
    return text


def _field(location: tuple[int | str, ...]) -> str:
    """Where a person has typed it."""
    name = str(location[0]) if location else "q"
    return {"error": "q"}.get(name, name if name in (*FIELDS, "cursor") else "parameter")


STATUSES: Final = tuple(Status)
