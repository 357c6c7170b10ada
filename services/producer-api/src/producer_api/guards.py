"""What is checked of every request before its route: who may send it, and in which form."""

import re
from collections.abc import Callable
from functools import lru_cache, partial

from apiflask import APIFlask
from flask import Request, request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from producer_api.addressing import sent_to
from producer_api.finding import ReportQuery
from producer_api.pages import changes_something, is_of_another_site
from producer_api.policies import HostPolicy
from producer_api.problems import FieldError, Problem
from producer_api.resources import AuditQuery, DeadLetterQuery, DownloadQuery
from waybill.telemetry import link_caller, name_unmatched_request, redact_query

_AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^:/?#@\[\]\\\s]+)(:[0-9]*)?")
_WITH_BODY = ("POST", "PUT")
_PROBES = ("/healthz", "/readyz")
_SHOWN_IN_SPANS = frozenset(
    {
        *(*ReportQuery.model_fields, *DeadLetterQuery.model_fields, *AuditQuery.model_fields),
        *(*DownloadQuery.model_fields, "last_event_id"),
    }
) - {"error"}


def register(app: APIFlask, hosts: HostPolicy, access: Callable[[Request], None]) -> None:
    """In this order: the span is described even if the request is refused, and the body of one that may not
    reach its route is not read. `access`: raises `Problem` for such a request."""
    is_known = lru_cache(maxsize=128)(partial(_is_known, hosts))

    @app.before_request
    def check() -> None:
        current = request._get_current_object()  # type: ignore[attr-defined] # it is asked for much
        _describe_span(current)
        _require_host(current, is_known)
        _refuse_other_sites(current)
        access(current)
        _refuse_repeated_parameters(current)
        _require_json(current)


def _describe_span(request: Request) -> None:
    link_caller()
    if request.url_rule is None:
        name_unmatched_request(request.method)
    if request.query_string:
        redact_query(request.query_string.decode("latin-1"), _SHOWN_IN_SPANS)


def _is_known(hosts: HostPolicy, sent: str) -> bool:
    authority = _AUTHORITY.fullmatch(sent)
    return authority is not None and hosts.allows(authority["name"])


def _require_host(request: Request, is_known: Callable[[str], bool]) -> None:
    """The probes are answered under any name: load balancers have their own."""
    sent = sent_to(request)
    if not is_known(sent) and request.path not in _PROBES:
        raise Problem(
            "unknown-host",
            f"Host: {sent[:100]!r} is not known here. If it is a name of this service, add it to "
            "WAYBILL_ALLOWED_HOSTS.",
        )


def _refuse_other_sites(request: Request) -> None:
    """A browser says for which page it sends a request; other clients say nothing and are let in.

    Links, forms and scripts of other pages can send what needs no permission of ours (CORS): a GET, or a POST
    without a body.
    """
    if changes_something(request) and is_of_another_site(request):
        raise Problem(
            "cross-site",
            "A page of another site sent this request: open the address itself, or use a client that is no "
            "browser.",
        )


def _refuse_repeated_parameters(request: Request) -> None:
    if not request.query_string:
        return
    for name, values in request.args.lists():
        if len(values) > 1 and not _may_repeat(request, name):
            message = "must be given once"
            raise Problem(
                "wrong-request", f"{name[:100]}: {message}.", [FieldError(field=name, message=message)]
            )


def _may_repeat(request: Request, name: str) -> bool:
    """Of a form that an address fills in: the values of one parameter, which the form looks at itself."""
    return request.endpoint == "web.new_report" and name.startswith("p.")


def _require_json(request: Request) -> None:
    encoding = request.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding != "identity":
        raise Problem(
            "wrong-encoding",
            "Content-Encoding: must be identity, or be left out.",
            headers={"Accept-Encoding": "identity"},
        )
    body = _body(request) if request.method in _WITH_BODY else b""
    if body and not request.is_json and not _may_be_form(request):
        raise UnsupportedMediaType(
            f"Content-Type: must be application/json; the request has {request.mimetype or 'none'}."
        )
    if body.strip() == b"null":  # APIFlask reads null as an empty object
        raise Problem("wrong-request", "body: must be a JSON object, not null.")


def _may_be_form(request: Request) -> bool:
    """The pages' routes read forms, and only those of our pages."""
    return request.blueprint == "web" and request.mimetype == "application/x-www-form-urlencoded"


def _body(request: Request) -> bytes:
    """werkzeug ends a body in chunks at the limit as if it were whole."""
    body = request.get_data(cache=True)
    limit = request.max_content_length
    is_full = limit is not None and len(body) >= limit and request.content_length is None
    if is_full and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return body
