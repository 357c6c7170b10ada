"""Errors, as pages for people who look at pages."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from apiflask import APIFlask
from flask import Response, current_app, request
from werkzeug.exceptions import HTTPException

from producer_api.access import Authenticator, recognise
from producer_api.access.browsers import BrowserAccess
from producer_api.pages import FOR_CLIENTS, LONGEST_NEXT, is_of_our_page
from producer_api.problems import MEDIA_TYPE
from producer_api.web.rendering import page, see_other

_IN_QUERIES: Final = "!#$%&'()*+,-./:;=?@[]_~"
"""Characters that stay as they are: browsers send others too, such as a backslash."""
_LATER: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
_UNKNOWN: Final = (401, 421, 503)
"""Statuses that say that the client has no credential, or meant another host, or cannot be known now."""


def register_refusals(
    app: APIFlask, browsers: BrowserAccess | None, authenticators: Sequence[Authenticator]
) -> None:
    """A problem that a page's address answers with becomes a page, with the navigation that its client has
    elsewhere. Where browsers can sign in, one that has not is sent there."""

    @app.after_request
    def as_page(response: Response) -> Response:
        if response.mimetype != MEDIA_TYPE or not wants_page():
            return response
        if response.status_code == 401 and browsers and request.method in ("GET", "HEAD"):
            return see_other(_sign_in())
        if response.status_code in (404, 405) and _is_of_a_form():
            return see_other(_parent())
        if response.status_code not in _UNKNOWN:
            recognise(request, authenticators)
        problem = response.get_json()
        answer = page(
            "error.html",
            response.status_code,
            problem=problem,
            sign_in=_sign_in() if browsers else None,
            fields=_sent_fields(problem),
            address=quote(request.script_root + request.path),
        )
        for name in ("Retry-After", "WWW-Authenticate", "Allow"):
            if name in response.headers:
                answer.headers[name] = response.headers[name]
        return answer


def wants_page() -> bool:
    """Whether a browser shows the answer to the current request."""
    return not request.path.startswith(FOR_CLIENTS) and "text/html" in request.accept_mimetypes.values()


def _is_of_a_form() -> bool:
    """Whether the browser opens the address of a form, as after a sign-in, or from its history; not one that
    also is a page."""
    posted = _rule("POST")
    return request.method in ("GET", "HEAD") and posted is not None and posted != _rule("GET")


def _rule(method: str) -> str | None:
    """That of the current request's path, if there is one for the method."""
    adapter = current_app.create_url_adapter(request)
    if adapter is None:
        return None
    try:
        rule, _ = adapter.match(request.path, method=method, return_rule=True)
    except HTTPException:
        return None
    return str(rule.rule)


def _parent() -> str:
    return quote(f"{request.script_root}{request.path.rstrip('/').rpartition('/')[0]}") or "/"


def _sign_in() -> str:
    """Leads back to the current address; without its query where that is too long to be kept so long."""
    path = quote(request.script_root + request.path)
    query = quote(request.query_string, safe=_IN_QUERIES)
    found = (f"{path}?{query}" if query else path, path, f"{request.script_root}/")
    here = next(one for one in found if len(one) <= LONGEST_NEXT)
    return f"{request.script_root}/login?next={quote(here, safe='')}"


def _sent_fields(problem: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    """Of a form that may be sent once more, as it is: of one of our pages, where nothing is wrong with it.
    What was typed would else be lost with a session, or while the database is away."""
    status, kind = problem["status"], str(problem["type"]).rpartition("/")[2]
    may_come = status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR or kind == "request-in-flight"
    is_form = request.method == "POST" and request.mimetype == "application/x-www-form-urlencoded"
    if not (may_come and is_form and is_of_our_page(request)):
        return None
    return [(name, value) for name, values in request.form.lists() for value in values]
