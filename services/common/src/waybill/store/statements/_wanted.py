"""Which reports a list is of: what its statements share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    TableValuedAlias,
    Text,
    column,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)

from waybill.domain import ANONYMOUS, DEFAULT_TENANT, EVERYTHING, Report, Scope, Status
from waybill.store.statements._rows import in_scope
from waybill.store.tables import reports


@dataclass(frozen=True)
class ParameterValue:
    """What a parameter is to be: this text, or what it is as JSON, where it is JSON that the database can
    hold."""

    text: str
    json: str | None = None


@dataclass(frozen=True)
class ReportFilter:
    """Which reports to list: all that fit, newest first, and behind the report `before` where it is given,
    or behind a `place`, that of a report which may be gone. `scope`: whose they are; `statuses` and `kinds`:
    all of them where none is given; `since` is part of the time, `until` is not.

    No index leads to the others, so that these are looked for among the newest that fit all else. `error`: a
    part of its message, in upper or lower case.
    """

    statuses: Sequence[Status] = ()
    kinds: Sequence[str] = ()
    before: UUID | None = None
    place: tuple[datetime, UUID] | None = None
    limit: int = 50
    scope: Scope = EVERYTHING
    since: datetime | None = None
    until: datetime | None = None
    owner: str | None = None
    tag: str | None = None
    error: str | None = None
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)

    @property
    def searches(self) -> bool:
        """Whether it has a condition without an index."""
        return bool(self.parameters) or any(one is not None for one in (self.owner, self.tag, self.error))


@dataclass(frozen=True)
class ReportPage:
    """Some of them, and whether there are more, or may be, behind `last`. `searched`: of how many these are
    all that fit, where they were searched for."""

    reports: Sequence[Report]
    more: bool
    last: UUID | None = None
    searched: int | None = None


def of_scope(scope: Scope) -> list[ColumnElement[bool]]:
    """As `in_scope`, with what an index of one owner's reports, or of one tenant's, leaves out: the planner
    has to see that nothing of it is wanted."""
    found = in_scope(reports, scope)
    if scope.tenant not in (None, DEFAULT_TENANT):
        found.append(reports.c.tenant != literal_column(f"'{DEFAULT_TENANT}'"))
    if scope.owner not in (None, ANONYMOUS):
        found.append(reports.c.owner != literal_column(f"'{ANONYMOUS}'"))
    return found


def behind_place(wanted: ReportFilter) -> list[ColumnElement[bool]]:
    """Conditions: those behind it."""
    if wanted.place is None:
        return []
    time, report_id = wanted.place
    place = tuple_(literal(time, reports.c.created_at.type), literal(report_id))
    return [tuple_(reports.c.created_at, reports.c.id) < place]


def in_time(wanted: ReportFilter) -> list[ColumnElement[bool]]:
    """Conditions: those that were requested then."""
    since = [reports.c.created_at >= wanted.since] if wanted.since else []
    until = [reports.c.created_at < wanted.until] if wanted.until else []
    return since + until


def all_kinds(theirs: Sequence[ColumnElement[bool]]) -> Select[tuple[str | None]]:
    """Those of which there are such reports: each is looked for behind the one before it."""
    kind = reports.c.kind
    first = select(kind).where(*theirs).order_by(kind).limit(1).scalar_subquery()
    found = select(first.label("kind")).cte(recursive=True)
    behind_it = select(kind).where(kind > found.c.kind, *theirs).order_by(kind).limit(1).scalar_subquery()
    found = found.union_all(select(behind_it).where(found.c.kind.is_not(None)))
    return select(found.c.kind).where(found.c.kind.is_not(None))


def given_values(name: str, values: Sequence[str]) -> TableValuedAlias:
    """These, each once, as the rows of a table with one column of this name."""
    given = func.unnest(literal(list(dict.fromkeys(values)), ARRAY(Text)))
    return given.table_valued(column(name, Text), name=f"given_{name}").render_derived()
