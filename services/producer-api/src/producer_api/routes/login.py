"""Browsers sign in and out."""

import re
from urllib.parse import unquote

from apiflask import APIBlueprint
from flask import Response, request, url_for

from producer_api.access import Permission, requires
from producer_api.access.browsers import BrowserAccess
from producer_api.access.sign_in import ATTEMPT_SECONDS, Attempt, as_content
from producer_api.addressing import path_of, sent_to
from producer_api.pages import LONGEST_NEXT
from producer_api.problems import Problem
from producer_api.web import wants_page
from producer_api.web.rendering import page

_BACK = "/login/callback"
_NEXT = re.compile(r"/(?!/)[!-\[\]-~]*")
"""ASCII without spaces and backslashes, which browsers take for slashes."""


def blueprint(access: BrowserAccess | None) -> APIBlueprint:
    """Without `access`, the routes say that browsers cannot sign in here."""
    routes = APIBlueprint("login", __name__, enable_openapi=False)

    def switched_on() -> BrowserAccess:
        return _given(access)

    @routes.after_request
    def keep_nothing(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    @routes.get("/login")
    @requires(Permission.NONE)
    def begin() -> Response:
        """Sends the browser to the issuer. `next`: where it goes afterwards, as its user sees the path."""
        signing = switched_on()
        then = _next(request.args.get("next") or path_of("/"))
        if not signing.attempts.can_be_set(request):
            raise Problem(
                "sign-in-failed",
                "One signs in over https, since a cookie is a credential. If a proxy ends TLS, add its "
                "address to WAYBILL_TRUSTED_PROXIES, and have it send X-Forwarded-Proto.",
            )
        address, attempt = signing.sign_in.begin(request.args.get("issuer"), _redirect_uri(), then)
        response = _redirect(address)
        signing.attempts.set(request, response, as_content(attempt), ATTEMPT_SECONDS)
        return response

    @routes.get(_BACK)
    @requires(Permission.NONE)
    def complete() -> Response:
        """Where the issuer sends the browser back to."""
        signing = switched_on()
        attempt = signing.sign_in.check_state(
            Attempt.read(signing.attempts.read(request)), request.args.get("state", "")
        )
        try:
            session = signing.sign_in.complete(attempt, request.args, _redirect_uri())
        except Problem as problem:
            response = problem.response()
        else:
            response = _redirect(attempt.then)
            signing.sessions.start(request, response, session)
        signing.attempts.end(request, response)
        return response

    @routes.post("/logout")
    @requires(Permission.NONE)
    def end() -> Response:
        """Takes the browser's cookie away. The user stays signed in at the issuer."""
        signing = switched_on()
        response = _redirect(url_for(".signed_out")) if wants_page() else Response(status=204)
        signing.sessions.end(request, response)
        return response

    @routes.get("/signed-out")
    @requires(Permission.NONE)
    def signed_out() -> Response:
        """A page that needed a sign-in would send the browser to its issuer, which may sign it in again."""
        switched_on()
        return page("signed_out.html")

    return routes


def _given(access: BrowserAccess | None) -> BrowserAccess:
    if access is None:
        raise Problem(
            "not-found", "Browsers cannot sign in here: WAYBILL_OIDC_CLIENT_ID would switch that on."
        )
    return access


def _next(address: str) -> str:
    """Raises `Problem` where a browser would leave this service."""
    path = unquote(address.partition("?")[0].partition("#")[0])
    root = request.script_root
    is_ours = (
        len(address) <= LONGEST_NEXT
        and _NEXT.fullmatch(address)
        and not {".", ".."} & set(re.split(r"[/\\]", path))
        and (address == root or address.startswith(f"{root}/"))
    )
    if not is_ours:
        raise Problem(
            "wrong-request",
            f"next: must be a path of this service, such as {path_of('/reports')}, of at most {LONGEST_NEXT} "
            "ASCII characters without '..'.",
        )
    return address


def _redirect_uri() -> str:
    """As it is registered at the issuer."""
    return f"{request.scheme}://{sent_to(request)}{path_of(_BACK)}"


def _redirect(address: str) -> Response:
    return Response(status=303, headers={"Location": address})
