"""The text that a parameter is looked for with, and whether it is looked for as JSON too."""

import pytest

from producer_api.finding import parameter_value
from waybill.store import ParameterValue


@pytest.mark.parametrize("text", ["7", "1.5", "true", "null", '"a"', '{"a": [1]}', "1e300"])
def test_what_is_json_is_looked_for_as_that_too(text: str) -> None:
    assert parameter_value(text) == ParameterValue(text, text)


@pytest.mark.parametrize(
    "text",
    [
        *("JFK", "{", "[" * 5000, r'"\u0000"', r'"\ud800"', "NaN"),
        *("1e400", "1e-400", "1e999999999999999999999", "-1e-999999999999999999999"),
    ],
)
def test_what_postgresql_has_no_json_of_is_a_text(text: str) -> None:
    assert parameter_value(text) == ParameterValue(text)
