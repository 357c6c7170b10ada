"""The overview: how Waybill is doing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, permitted_scope, requires
from producer_api.services import Services
from producer_api.web.charts import HEIGHT, WIDTH, hour_bars, in_words
from producer_api.web.rendering import may, page
from producer_api.web.report_words import kind_title
from waybill.domain import Status
from waybill.kinds import Kind
from waybill.ledger import HOURS, MOST_COUNTED, Figures
from waybill.store import Durations, EndedHour, StatusCount


@dataclass
class KindFigures:
    """What the overview says of one kind."""

    name: str
    title: str
    counts: dict[Status, int] = field(default_factory=dict)
    hours: list[EndedHour] = field(default_factory=list)
    durations: Durations | None = None

    @property
    def ended(self) -> int:
        return sum(one.done + one.failed for one in self.hours)


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/")
    @requires(Permission.READ)
    def overview() -> Response:
        scope = permitted_scope(Permission.READ)
        figures = services.overview.figures(scope)
        letters = 0
        if may(Permission.READ_DEAD_LETTERS):
            letters = sum(
                services.dead_letters.reasons(
                    permitted_scope(Permission.READ_DEAD_LETTERS), MOST_COUNTED
                ).values()
            )
        return page(
            "overview.html",
            counts=_by_status(figures.counts),
            oldest=_oldest(figures.counts),
            kinds=_kinds(services, figures),
            failures=figures.failures,
            title=lambda name: kind_title(services.kinds, name),
            capacity=figures.capacity,
            dead_letters=letters,
            most=MOST_COUNTED,
            parts=_parts(services),
            bars=lambda one: hour_bars(one.hours, HOURS),
            in_words=in_words,
            width=WIDTH,
            height=HEIGHT,
            first_kind=_first_kind(services),
        )


def _first_kind(services: Services) -> Kind | None:
    """What a new installation offers: a report that ends well."""
    return next((kind for kind in services.kinds if kind.name == "flights"), next(iter(services.kinds), None))


def _by_status(counts: Sequence[StatusCount]) -> dict[Status, int]:
    found = dict.fromkeys(Status, 0)
    for one in counts:
        found[one.status] += one.number
    return found


def _oldest(counts: Sequence[StatusCount]) -> datetime | None:
    """Since when the report waits that waits longest."""
    return min((one.oldest for one in counts if one.status is Status.INIT), default=None)


def _kinds(services: Services, figures: Figures) -> list[KindFigures]:
    """Those of which there are reports, the busiest first."""
    found: dict[str, KindFigures] = {}
    for count in figures.counts:
        one = found.setdefault(count.kind, KindFigures(count.kind, kind_title(services.kinds, count.kind)))
        one.counts[count.status] = count.number
    for hour in figures.hours:
        found[hour.kind].hours.append(hour)
    for durations in figures.durations:
        found[durations.kind].durations = durations
    return sorted(found.values(), key=lambda one: (-one.ended, one.title))


def _parts(services: Services) -> dict[str, str]:
    """Each with `ok`, or what is wrong."""
    health = services.readiness.ready()
    return {**health.parts, "tracing": services.jaeger.state()}
