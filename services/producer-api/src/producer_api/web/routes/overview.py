"""The overview: how Waybill is doing."""

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, permitted_scope, requires
from producer_api.services import Services
from producer_api.web.charts import HEIGHT, WIDTH, hour_bars, in_words
from producer_api.web.overview_figures import WITHIN, by_kind, by_status, oldest_waiting, what_fails
from producer_api.web.rendering import may, page
from producer_api.web.report_words import kind_title
from producer_api.web.worker_words import no_worker_for, none_there
from waybill.kinds import Kind
from waybill.ledger import HOURS, MOST_COUNTED, MOST_TIMED


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/")
    @requires(Permission.READ)
    def overview() -> Response:
        scope = permitted_scope(Permission.READ)
        figures = services.overview.figures(scope)

        workers, kinds = figures.capacity.workers, {kind.name: kind for kind in services.kinds}

        def title(kind: str) -> str:
            return kind_title(services.kinds, kind)

        letters = 0
        if may(Permission.READ_DEAD_LETTERS):
            letters = sum(
                services.dead_letters.reasons(
                    permitted_scope(Permission.READ_DEAD_LETTERS), MOST_COUNTED
                ).values()
            )
        return page(
            "overview.html",
            counts=by_status(figures),
            oldest=oldest_waiting(figures),
            kinds=by_kind(figures, title),
            failures=what_fails(figures.failures, title),
            within=WITHIN,
            capacity=figures.capacity,
            none_there=none_there(workers),
            no_worker=lambda name: no_worker_for(workers, kinds[name]) if name in kinds else None,
            dead_letters=letters,
            most=MOST_COUNTED,
            most_timed=MOST_TIMED,
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


def _parts(services: Services) -> dict[str, str]:
    """Each with `ok`, or what is wrong."""
    health = services.readiness.ready()
    return {**health.parts, "tracing": services.jaeger.state()}
