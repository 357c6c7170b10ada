"""A form that requests a report."""

import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from apiflask import APIBlueprint
from flask import Response, request, url_for

from producer_api.access import Permission, current_identity, permitted_scope, requires
from producer_api.choices import KindChoices, choices_of
from producer_api.lookup import find_kind, find_report
from producer_api.parameter_sets import check_some, checked_name
from producer_api.permissions import FIRST_PRIORITY
from producer_api.problems import FieldError, Problem
from producer_api.published import published_schema
from producer_api.requesting import accept_request
from producer_api.resources import ReportRequest
from producer_api.services import Services
from producer_api.web.fields import FormField, fields_of
from producer_api.web.filled_form import Filled, as_repeated, refuse, wanted_report
from producer_api.web.form_errors import errors_by_field, listed
from producer_api.web.forms import sent_form
from producer_api.web.rendering import may, page, see_other
from producer_api.web.report_words import in_short
from producer_api.web.sent_fields import sent_parameters, typed
from producer_api.web.worker_words import no_worker_for
from waybill.domain import KindLimit, Report, Scope
from waybill.kinds import Kind
from waybill.ledger import TooManyParameterSets
from waybill.store import ReportFilter

_RECENT: Final = 5
_LOOKED_AT: Final = 30
_UNDER_WAY: Final = 0.5
"""Seconds in which a form that was sent just before is accepted, as a rule."""
_LONGEST_LINK: Final = 4000
"""Characters of an address: programs that pass links on take about as many, the service itself twice that."""


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/reports/new")
    @requires(Permission.REQUEST)
    def new_report() -> Response:
        repeated = _repeated(services, request.args.get("rerun_of"))
        name = repeated.kind if repeated else request.args.get("kind")
        if not name:
            return page("new_report_kinds.html", kinds=list(services.kinds), broken=services.kinds.broken)
        kind = find_kind(services.kinds, name)
        values = dict(repeated.parameters) if repeated else {}
        filled = as_repeated(repeated) if repeated else Filled()
        if chosen := request.args.get("set"):
            saved = services.parameter_sets.get(current_identity().owner, kind.name, chosen)
            values |= saved.parameters if saved else {}
        sent = request.args.to_dict(flat=False)
        values |= _prefilled(kind, sent)
        choices = choices_of(kind, services.ledger, services.choice_lists)
        return _form(services, kind, choices, values, filled, repeated)

    @routes.post("/reports/new")
    @requires(Permission.REQUEST)
    def request_new() -> Response:
        """Requests the report, or keeps its parameters under a name."""
        form = sent_form()
        kind = find_kind(services.kinds, form.get("kind", ""))
        sent = form.to_dict(flat=False)
        choices = choices_of(kind, services.ledger, services.choice_lists)
        fields = fields_of(published_schema(kind).document, {}, choices)
        parameters, errors = sent_parameters(fields, sent)
        filled = Filled(
            sent.get("outputs", ()),
            form.get("tags", ""),
            form.get("priority", ""),
            form.get("timeout_seconds", ""),
        )
        repeated: Report | None = None
        try:
            repeated = _still_there(services, form.get("rerun_of"))
            refuse(errors)
            if form.get("do") == "save":
                return _save(services, kind, parameters, form.get("save_as", ""), "shared" in form)
            wanted = wanted_report(kind, parameters, filled, repeated)
            report = _accept(services, wanted, form.get("key") or None)
        except Problem as problem:
            if problem.kind not in ("wrong-request", "over-limit") and not problem.errors:
                raise
            return _form(services, kind, choices, typed(fields, sent), filled, repeated, problem)
        return see_other(url_for(".report", report_id=report.id))

    @routes.post("/reports/new/forget")
    @requires(Permission.REQUEST)
    def forget_set() -> Response:
        """Removes a set of parameters of the client's own."""
        form = sent_form()
        kind = find_kind(services.kinds, form.get("kind", ""))
        identity = current_identity()
        services.parameter_sets.remove(
            identity.owner,
            kind.name,
            checked_name(form.get("name", "")),
            lambda found: found.owner == identity.owner,
            identity.actor,
        )
        return see_other(url_for(".new_report", kind=kind.name))


def _accept(services: Services, wanted: ReportRequest, key: str | None) -> Report:
    """Once for each form; where a person has gone back and changed it, as another report. Where the same form
    was sent twice at once, waits a moment until the other one is accepted."""
    parts = (services.ledger, services.kinds, services.webhooks, wanted)
    try:
        return accept_request(*parts, key, is_whole=True)
    except Problem as problem:
        if problem.kind == "request-in-flight":
            time.sleep(_UNDER_WAY)
        elif problem.kind == "key-reused":
            key = str(uuid4())
        else:
            raise
    return accept_request(*parts, key, is_whole=True)


def _form(
    services: Services,
    kind: Kind,
    choices: KindChoices,
    values: Mapping[str, Any],
    filled: Filled,
    repeated: Report | None,
    problem: Problem | None = None,
) -> Response:
    fields = fields_of(published_schema(kind).document, values, choices)
    errors = errors_by_field(problem.errors or ()) if problem else {}
    owner = current_identity().owner
    now = services.overview.for_waiting()
    return page(
        "new_report.html",
        problem.status if problem else 200,
        kind=kind,
        limit=now.limits.get(kind.name, KindLimit(kind.name)),
        no_worker=no_worker_for(now.workers, kind),
        fields=fields,
        filled=filled,
        repeated=repeated,
        problem=problem,
        errors=errors,
        wrong=list(listed(errors, fields, has_outputs=bool(kind.outputs))),
        is_kept=request.form.get("do") == "save",
        save_as=request.form.get("save_as", ""),
        key=uuid4(),
        is_reading=_is_reading(choices),
        recent=_recent(services, kind),
        saved=services.parameter_sets.usable(owner, kind.name),
        me_name=owner.name,
        may_share=may(Permission.SHARE),
        first_priority=min(
            FIRST_PRIORITY[role] for role in current_identity().roles if role in FIRST_PRIORITY
        ),
        longest=int(kind.timeout.total_seconds()),
        link=_link(kind, fields),
    )


def _is_reading(choices: KindChoices) -> bool:
    return bool(choices.parameters) and choices.read_at is None


def _link(kind: Kind, fields: Sequence[FormField]) -> str | None:
    """An address that fills in what this form has; None where it would be too long for one."""
    address = f"{request.url_root.rstrip('/')}/reports/new?{_filling(kind, fields)}"
    return address if len(address) <= _LONGEST_LINK else None


def _filling(kind: Kind, fields: Sequence[FormField]) -> str:
    return urlencode([("kind", kind.name), *(filled for one in fields for filled in one.filled)])


def _address_of(query: str, report: Report) -> str:
    """Where the query is too long for an address, the report's own form."""
    address = f"{url_for('.new_report')}?{query}"
    return address if len(address) <= _LONGEST_LINK else url_for(".new_report", rerun_of=report.id)


def _prefilled(kind: Kind, sent: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What the address says of parameters."""
    fields = fields_of(published_schema(kind).document, {})
    named = [one for one in fields if any(key == one.key or key.startswith(f"{one.key}.") for key in sent)]
    several = {one.key for one in named if one.takes_several}
    for key, values in sent.items():
        if len(values) > 1 and key not in several:
            raise Problem("wrong-request", f"{key[:100]}: must be given once.")
    return typed(named, sent)


def _save(services: Services, kind: Kind, parameters: Mapping[str, Any], name: str, shared: bool) -> Response:
    """Keeps the parameters, and comes back to the form that has them."""
    check_some(kind, dict(parameters))
    if shared:
        permitted_scope(Permission.SHARE)
    identity = current_identity()
    try:
        services.parameter_sets.put(
            identity.owner,
            kind.name,
            checked_name(name.strip()),
            dict(parameters),
            shared=shared,
            actor=identity.actor,
        )
    except TooManyParameterSets as error:
        raise Problem(
            "wrong-request", str(error), [FieldError(field="save_as", message=str(error))]
        ) from None
    return see_other(url_for(".new_report", kind=kind.name, set=name.strip()))


def _recent(services: Services, kind: Kind) -> list[tuple[str, str]]:
    """What this client requested last of the kind: in short, and the address that fills it in."""
    owner, document = current_identity().owner, published_schema(kind).document
    newest = services.ledger.page(
        ReportFilter(kinds=[kind.name], limit=_LOOKED_AT, scope=Scope(owner.tenant, owner.name))
    )
    found: dict[str, str] = {}
    for one in newest.reports:
        address = _address_of(_filling(kind, fields_of(document, one.parameters)), one)
        found.setdefault(in_short(one.parameters) or "defaults", address)
    return list(found.items())[:_RECENT]


def _still_there(services: Services, report_id: str | None) -> Report | None:
    """For a form that was open while the report that it repeats was removed: what is typed stays."""
    try:
        return _repeated(services, report_id)
    except Problem as problem:
        if problem.status != HTTPStatus.NOT_FOUND:
            raise
    raise Problem(
        "wrong-request",
        "The earlier report is not there any more. Request it once more as a report of its own.",
    )


def _repeated(services: Services, report_id: str | None) -> Report | None:
    return find_report(services.ledger, report_id) if report_id else None
