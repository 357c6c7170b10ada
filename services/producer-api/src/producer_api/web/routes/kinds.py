"""The kinds of report: what each takes, how long it takes, and whether it is paused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apiflask import APIBlueprint
from flask import Response, url_for

from producer_api.access import Permission, permitted_scope, requires
from producer_api.choices import choices_of
from producer_api.lookup import find_kind
from producer_api.published import published_schema
from producer_api.routes.kinds import actor_of_kinds, known_kind
from producer_api.services import Services
from producer_api.web.fields import FormField, fields_of
from producer_api.web.forms import sent_form
from producer_api.web.rendering import may, page, see_other
from waybill.domain import KindLimit, Status
from waybill.kinds import Kind
from waybill.store import Durations

_LONGEST_REASON = 500


@dataclass(frozen=True)
class Now:
    """What is under way of a kind, and how long its reports took lately."""

    waiting: int = 0
    running: int = 0
    durations: Durations | None = None


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/kinds")
    @requires(Permission.READ_KINDS)
    def kinds() -> Response:
        now = _now(services)
        return page(
            "kinds.html",
            kinds=list(services.kinds),
            broken=services.kinds.broken,
            limits=services.kind_limits.all(),
            now=lambda name: now.get(name, Now()),
        )

    @routes.get("/kinds/<kind>")
    @requires(Permission.READ_KINDS)
    def kind(kind: str) -> Response:
        found = find_kind(services.kinds, kind)
        return page(
            "kind.html",
            kind=found,
            limit=services.kind_limits.all().get(found.name, KindLimit(found.name)),
            now=_now(services).get(found.name, Now()),
            fields=_fields(services, found),
            steps=_steps(found),
            source=found.defined_by,
        )

    @routes.post("/kinds/<kind>/pause")
    @requires(Permission.MANAGE_KINDS)
    def pause_kind(kind: str) -> Response:
        reason = sent_form().get("reason", "").strip()[:_LONGEST_REASON] or None
        name = known_kind(services.kinds, services.kind_limits, kind)
        services.kind_limits.pause(actor_of_kinds(), name, reason)
        return see_other(url_for(".kind", kind=name))

    @routes.post("/kinds/<kind>/resume")
    @requires(Permission.MANAGE_KINDS)
    def resume_kind(kind: str) -> Response:
        sent_form()
        name = known_kind(services.kinds, services.kind_limits, kind)
        services.kind_limits.resume(actor_of_kinds(), name)
        return see_other(url_for(".kind", kind=name))


def _now(services: Services) -> Mapping[str, Now]:
    """Of what the client may see of reports; nothing where it may see none."""
    if not may(Permission.READ):
        return {}
    counts, durations = services.overview.of_kinds(permitted_scope(Permission.READ))
    number = {(one.kind, one.status): one.number for one in counts}
    of = {one.kind: one for one in durations}
    names = {one.kind for one in counts} | of.keys()
    return {
        name: Now(number.get((name, Status.INIT), 0), number.get((name, Status.PROCESSING), 0), of.get(name))
        for name in names
    }


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
