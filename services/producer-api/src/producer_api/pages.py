"""For whose page a browser sends a request. Other clients say nothing of that."""

from urllib.parse import urlsplit

from flask import Request

from producer_api.addressing import sent_to

CHANGES_BY_GET = "/api/report"
"""The article's call: the one GET that changes something."""

FOR_CLIENTS = ("/api/", "/problems/", "/healthz", "/readyz", "/assets/")
"""How addresses begin that are never answered by a page."""

LONGEST_NEXT = 1000
"""Characters of the address where a browser goes once it has signed in: it is kept in a cookie until then."""

_SAFE = ("GET", "HEAD", "OPTIONS")
_OWN_FETCHES = ("same-origin", "none")


def changes_something(request: Request) -> bool:
    return request.method not in _SAFE or request.path == CHANGES_BY_GET


def is_of_another_site(request: Request) -> bool:
    """False where that is not said."""
    fetch_site = request.environ.get("HTTP_SEC_FETCH_SITE")
    origin = request.environ.get("HTTP_ORIGIN")
    if fetch_site is not None:
        return fetch_site not in _OWN_FETCHES
    return origin is not None and _authority(origin) != sent_to(request).lower()


def is_of_our_page(request: Request) -> bool:
    """False where that is not said, and where nothing but the browser's user has sent it (`none`)."""
    fetch_site = request.environ.get("HTTP_SEC_FETCH_SITE")
    if fetch_site is not None:
        return bool(fetch_site == "same-origin")
    origin = request.environ.get("HTTP_ORIGIN")
    return origin is not None and origin.lower() == f"{request.scheme}://{sent_to(request)}".lower()


def _authority(origin: str) -> str:
    """Host and port; the scheme may differ behind a proxy that ends TLS."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
