"""Errors, as pages for people who look at pages."""

from urllib.parse import quote

from apiflask import APIFlask
from flask import Response, request

from producer_api.access.browsers import BrowserAccess
from producer_api.problems import MEDIA_TYPE
from producer_api.web.rendering import page, see_other

_FOR_CLIENTS = ("/api/", "/problems/", "/healthz", "/readyz", "/assets/")


def register_refusals(app: APIFlask, browsers: BrowserAccess | None) -> None:
    """A problem that a page's address answers with becomes a page. Where browsers can sign in, one that has
    not is sent there."""

    @app.after_request
    def as_page(response: Response) -> Response:
        if response.mimetype != MEDIA_TYPE or not wants_page():
            return response
        if response.status_code == 401 and browsers and request.method in ("GET", "HEAD"):
            return see_other(_sign_in())
        problem = response.get_json()
        answer = page(
            "error.html", response.status_code, problem=problem, sign_in=_sign_in() if browsers else None
        )
        for name in ("Retry-After", "WWW-Authenticate", "Allow"):
            if name in response.headers:
                answer.headers[name] = response.headers[name]
        return answer


def wants_page() -> bool:
    """Whether a browser shows the answer to the current request."""
    return not request.path.startswith(_FOR_CLIENTS) and "text/html" in request.accept_mimetypes.values()


def _sign_in() -> str:
    query = request.query_string.decode("latin-1")
    here = quote(request.script_root + request.path) + (f"?{query}" if query else "")
    return f"{request.script_root}/login?next={quote(here, safe='')}"
