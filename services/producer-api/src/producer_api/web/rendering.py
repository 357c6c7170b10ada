"""From a template to an answer."""

import hashlib
from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response, g, make_response, render_template, request, url_for

from producer_api.access import Permission, current_identity, is_of_session
from producer_api.compression import compress
from producer_api.permissions import reach
from producer_api.web.assets import version

NAME: Final = "web"
"""Of the blueprint; its endpoints are `web.reports` and so on."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types waybill"
)
"""No script, style or frame but our own, and none in the page itself."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Cookie, Accept-Encoding",
}


def page(template: str, status: int = 200, **content: Any) -> Response:
    """The page as the answer to the current request; 304 where the browser has it as it is."""
    response = make_response(render_template(template, **content), status)
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if status == 200:
        response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:24], weak=True)
        response.make_conditional(request)
    if response.status_code != 304:
        compress(response)
    return response


def see_other(address: str) -> Response:
    """After a form was sent: the browser gets this page, and sends nothing again on a reload."""
    return Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})


def may(permission: Permission) -> bool:
    """Whether the current request's client has this permission of anything."""
    return "identity" in g and reach(current_identity().roles, permission) is not None


def offer_to_templates(routes: APIBlueprint) -> None:
    """What every template may use: `asset('main.js')`, `may('change')`, `me`."""

    def asset(name: str) -> str:
        return url_for("web.asset", of=version(), name=name)

    @routes.app_context_processor
    def offered() -> dict[str, Any]:
        me = current_identity() if "identity" in g else None
        return {
            "asset": asset,
            "may": lambda permission: may(Permission(permission)),
            "me": me if me and me.credential else None,
            "has_session": me is not None and is_of_session(me),
        }
