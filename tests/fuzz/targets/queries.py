"""What a request's query leaves in its span."""

from tests.fuzz.choices import Choices
from tests.fuzz.mutation import mutated_text, odd_text
from waybill.telemetry.requests import redacted_query

_SECRET = "hush5ecret"
_SHOWN = frozenset({"limit", "cursor"})


def read_a_query(choices: Choices) -> bool:
    """Of a parameter that is not known, and of one without a name, the value is not shown. True where all
    is."""
    name = mutated_text(choices, choices.one(("token", "limit", "api_key", "")), 1).replace("&", "")
    value = f"{odd_text(choices)}{_SECRET}{odd_text(choices)}".replace("&", "")
    query = f"limit=5&{name}={value}&cursor=a&{odd_text(choices)}"

    shown = redacted_query(query, _SHOWN)

    is_known = name.partition("=")[0] in _SHOWN
    assert (_SECRET not in shown) or is_known
    assert len(shown) < 5000
    assert shown.startswith("limit=5&")
    return _SECRET in shown
