"""The kinds of report: what each takes, how long it takes, whether it is paused, and whether a worker offers
it."""

from collections.abc import Mapping, Sequence
from typing import Any

from apiflask import APIBlueprint
from flask import Response, url_for

from producer_api.access import Permission, permitted_scope, requires
from producer_api.choices import choices_of
from producer_api.lookup import find_kind
from producer_api.published import published_schema
from producer_api.routes.kinds import actor_of_kinds, known_kind, unavailable_kinds
from producer_api.services import Services
from producer_api.web.fields import FormField, fields_of
from producer_api.web.forms import sent_form
from producer_api.web.rendering import may, page, see_other
from producer_api.web.run_bars import HEIGHT, WIDTH, run_bars
from producer_api.web.shell_commands import TO_FILL_IN, as_preview
from producer_api.web.worker_words import no_worker_for, none_there
from waybill.domain import Scope, Status
from waybill.kinds import Kind
from waybill.ledger import MOST_COUNTED
from waybill.store import StatusCount

_LONGEST_REASON = 500


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/kinds")
    @requires(Permission.READ_KINDS)
    def kinds() -> Response:
        now = services.overview.of_kinds(_scope())
        number = _by_status(now.under_way)
        durations = {one.kind: one for one in now.durations}
        return page(
            "kinds.html",
            kinds=list(services.kinds),
            unavailable=unavailable_kinds(services.kinds, now.limits),
            limits=now.limits,
            none_there=none_there(now.workers),
            no_worker=lambda kind: no_worker_for(now.workers, kind),
            waiting=lambda name: number.get((name, Status.INIT), 0),
            running=lambda name: number.get((name, Status.PROCESSING), 0),
            durations=durations,
            most=MOST_COUNTED,
        )

    @routes.get("/kinds/<kind>")
    @requires(Permission.READ_KINDS)
    def kind(kind: str) -> Response:
        found = find_kind(services.kinds, kind)
        now = services.overview.of_kind(found.name, _scope())
        number = _by_status(now.under_way)
        return page(
            "kind.html",
            kind=found,
            limit=now.limit,
            no_worker=no_worker_for(now.workers, found),
            waiting=number.get((found.name, Status.INIT), 0),
            running=number.get((found.name, Status.PROCESSING), 0),
            most=MOST_COUNTED,
            runs=run_bars(now.ended),
            width=WIDTH,
            height=HEIGHT,
            fields=_fields(services, found),
            steps=_steps(found),
            source=found.defined_by,
            preview=as_preview(found.name, published_schema(found).document) if found.defined_by else None,
            to_fill_in=TO_FILL_IN,
        )

    @routes.post("/kinds/<kind>/pause")
    @requires(Permission.MANAGE_KINDS)
    def pause_kind(kind: str) -> Response:
        reason = sent_form().get("reason", "").strip()[:_LONGEST_REASON] or None
        name = known_kind(services.kinds, services.kind_limits, kind)
        services.kind_limits.pause(actor_of_kinds(), name, reason)
        return _see(services, name)

    @routes.post("/kinds/<kind>/resume")
    @requires(Permission.MANAGE_KINDS)
    def resume_kind(kind: str) -> Response:
        sent_form()
        name = known_kind(services.kinds, services.kind_limits, kind)
        services.kind_limits.resume(actor_of_kinds(), name)
        return _see(services, name)


def _see(services: Services, name: str) -> Response:
    """Its page; that of all where it cannot be used here, and has none."""
    is_here = any(kind.name == name for kind in services.kinds)
    return see_other(url_for(".kind", kind=name) if is_here else url_for(".kinds"))


def _scope() -> Scope | None:
    """What the client may see of reports; None where it may see none."""
    return permitted_scope(Permission.READ) if may(Permission.READ) else None


def _by_status(counts: Sequence[StatusCount]) -> Mapping[tuple[str, Status], int]:
    return {(one.kind, one.status): one.number for one in counts}


def _fields(services: Services, kind: Kind) -> list[FormField]:
    document = published_schema(kind).document
    choices = choices_of(kind, services.ledger, services.choice_lists) if may(Permission.REQUEST) else None
    return fields_of(document, {}, choices)


def _steps(kind: Kind) -> list[str]:
    """With the parameters' defaults; empty where it needs some."""
    try:
        parameters: Any = kind.read_parameters({})
        return list(kind.step_names(parameters, kind.outputs[:1]))
    except Exception:  # the kind's own code
        return []
