"""What a page's form sends."""

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import UnsupportedMediaType

from producer_api.pages import is_of_our_page
from producer_api.problems import Problem


def refuse_unstorable_fields() -> None:
    """Before each route of a page: the database has no text with U+0000."""
    for sent in (request.args, request.form):
        for name, values in sent.lists():
            if any("\x00" in value for value in values):
                raise Problem("wrong-request", f"{name[:100]!r}: must not have U+0000.")


def sent_form() -> MultiDict[str, str]:
    """The current request's fields. Raises `Problem` where no page of this service has sent it."""
    if not is_of_our_page(request):
        raise Problem(
            "cross-site",
            "A form must come from a page of this service: the request's Sec-Fetch-Site is not same-origin, "
            "nor its Origin this service. Programs use the API: /api/v1/docs.",
        )
    if request.mimetype != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("Content-Type: must be application/x-www-form-urlencoded.")
    return request.form
