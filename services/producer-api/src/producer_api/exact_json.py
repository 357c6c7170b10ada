"""JSON of requests without loss: numbers keep the value that their digits say."""

import json
import math
from decimal import Decimal
from typing import Any

from flask.json.provider import DefaultJSONProvider

_MAX_CHARACTERS = 100
_EXACT_INTEGERS = 2**53


class ExactJSONProvider(DefaultJSONProvider):
    """Reads 3.0 as the integer that it is for JSON Schema, and as Decimal what a float would round."""

    def loads(self, s: str | bytes, **options: Any) -> Any:
        """Raises ValueError for what is no JSON, and for a number that is longer than any use has."""
        return json.loads(s, parse_int=_integer, parse_float=_number, **options)


def _integer(text: str) -> int:
    _check_length(text)
    return int(text)


def _number(text: str) -> float | int | Decimal:
    """Infinite where a float cannot hold it, and 0 where it is too small for one."""
    _check_length(text)
    number = float(text)
    if not math.isfinite(number) or number == 0:
        return int(number) if number == 0 else number
    exact = Decimal(text)
    if exact == Decimal(repr(number)):
        return int(number) if number.is_integer() and abs(number) < _EXACT_INTEGERS else number
    return exact


def _check_length(text: str) -> None:
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"a number has more than {_MAX_CHARACTERS} characters")
