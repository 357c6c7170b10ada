"""A question before a form does what it says; browsers with scripts ask it themselves."""

from collections.abc import Sequence

from flask import Response, request
from werkzeug.datastructures import MultiDict

from producer_api.web.rendering import page

CONFIRMED = "confirmed"
"""The field of a form whose question has been answered with yes."""


def is_confirmed(form: MultiDict[str, str]) -> bool:
    return CONFIRMED in form


def ask(heading: str, notes: Sequence[str], button: str, leave: str, *, is_danger: bool = False) -> Response:
    """The current request's form once more, which the button `button` sends as confirmed; the other button
    goes to the address `leave`."""
    return page(
        "question.html",
        heading=heading,
        notes=notes,
        button=button,
        leave=leave,
        is_danger=is_danger,
        fields=[(name, value) for name, values in request.form.lists() for value in values],
        address=request.script_root + request.path,
        confirmed=CONFIRMED,
    )
