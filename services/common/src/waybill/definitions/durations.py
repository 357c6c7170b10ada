"""Durations as people write them."""

import re
from datetime import timedelta
from typing import Any

from pydantic_core import PydanticCustomError

_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_MAX_SECONDS = 7 * 86_400


def read_duration(value: Any) -> timedelta:
    """`30s`, `5m`, `2h`, or a number of seconds; above 0, and at most 7 days. Raises pydantic's error."""
    if isinstance(value, timedelta):
        return value
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    found = _FORM.fullmatch(text.strip())
    seconds = float(found[1]) * _SECONDS[found[2] or "s"] if found else 0.0
    if not 0 < seconds <= _MAX_SECONDS:
        raise PydanticCustomError(
            "duration", "must be a number with a unit, such as 30s, 5m or 2h; above 0, at most 7d."
        )
    return timedelta(seconds=seconds)
