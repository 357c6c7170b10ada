"""Filters of the list of reports that are kept under a name: saved, shown and removed."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from apiflask import APIBlueprint
from flask import Response, request, url_for

from producer_api.access import Permission, current_identity, permitted_scope, requires
from producer_api.finding import filter_of
from producer_api.parameter_sets import checked_name
from producer_api.problems import Problem
from producer_api.services import Services
from producer_api.web.forms import sent_form
from producer_api.web.rendering import may, page, see_other
from producer_api.web.report_list import Looked, look
from producer_api.web.view_list import usable_views
from waybill.domain import Owner, SavedView
from waybill.ledger import TooManySavedViews

_LONGEST: Final = 1000
"""Of a filter in an address, in characters: each page of the list has some."""


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/reports/views")
    @requires(Permission.READ)
    def saved_views() -> Response:
        """All of them; with a filter in the address, also a form that saves it."""
        looked = look(request.args)
        if looked.errors:
            return _list_of(looked.fields)
        return _page(services, looked)

    @routes.post("/reports/views")
    @requires(Permission.READ)
    def save_view() -> Response:
        form = sent_form()
        looked = look(form)
        filter_of(looked.checked())
        fields, name, shared = looked.filter, form.get("name", "").strip(), "shared" in form
        if not fields:
            raise Problem("wrong-request", "No filter is set: set one in the list, and save it from there.")
        if shared:
            permitted_scope(Permission.SHARE)
        if errors := _save(services, fields, name, shared):
            return _page(services, looked, errors, name, shared)
        return _list_of(fields)

    @routes.post("/reports/views/forget")
    @requires(Permission.READ)
    def forget_view() -> Response:
        """One of the client's own; or, where it may share, one that another shares in its tenant."""
        form = sent_form()
        identity = current_identity()
        owner = Owner(identity.owner.tenant, form.get("owner", ""))
        if owner != identity.owner:
            permitted_scope(Permission.SHARE)
        services.saved_views.remove(
            owner,
            form.get("name", ""),
            lambda found: found.shared or found.owner == identity.owner,
            identity.actor,
        )
        return see_other(url_for(".saved_views"))


def _save(services: Services, fields: Mapping[str, str], name: str, shared: bool) -> dict[str, str]:
    """What is wrong, by its field; then nothing is saved."""
    if len(urlencode(fields)) > _LONGEST:
        return {"filter": f"is too long: {_LONGEST} characters at most, as an address"}
    identity = current_identity()
    try:
        services.saved_views.put(
            identity.owner, checked_name(name), fields, shared=shared, actor=identity.actor
        )
    except TooManySavedViews as error:
        return {"name": str(error)}
    except Problem as problem:
        return {one.field: one.message for one in problem.errors or ()}
    return {}


def _list_of(fields: Mapping[str, Any]) -> Response:
    return see_other(url_for(".reports", **fields))


def _page(
    services: Services,
    looked: Looked,
    errors: Mapping[str, str] | None = None,
    name: str = "",
    shared: bool = False,
) -> Response:
    identity = current_identity()
    may_share = may(Permission.SHARE) and identity.actor is not None

    def may_remove(view: SavedView) -> bool:
        return view.owner == identity.owner or may_share

    return page(
        "saved_views.html",
        422 if errors else 200,
        looked=looked,
        fields=looked.filter,
        errors=errors or {},
        name=name,
        shared=shared,
        views=usable_views(services.saved_views),
        me_name=identity.owner.name,
        may_share=may_share,
        may_remove=may_remove,
        words=lambda view: list(look(view.fields).words()),
    )
