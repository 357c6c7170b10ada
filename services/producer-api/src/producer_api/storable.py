"""What of a request's JSON the database can hold."""

import math
import re
from typing import Any

from producer_api.problems import FieldError, Problem

_MAX_DEPTH = 32
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def refuse_unstorable(value: Any, field: str = "parameters", depth: int = 0) -> None:
    """PostgreSQL's JSON cannot hold U+0000, an unpaired surrogate, NaN or an infinite number."""
    if depth > _MAX_DEPTH:
        raise unstorable("parameters", f"must not be nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, float) and not math.isfinite(value):
        raise unstorable(field, "must not contain NaN or an infinite number")
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise unstorable(field, "must not contain U+0000 or an unpaired surrogate in a text")
    if isinstance(value, dict):
        for key, inner in value.items():
            refuse_unstorable(key, field)
            refuse_unstorable(inner, f"{field}.{key}", depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            refuse_unstorable(inner, f"{field}.{number}", depth + 1)


def unstorable(field: str, message: str) -> Problem:
    return Problem("wrong-request", f"{field}: {message}", [FieldError(field=field, message=message)])
