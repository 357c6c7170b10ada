"""What a call sends: values stay where they are put."""

from datetime import date
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_worker.query.templates import filled, filled_json, filled_path, filled_query
from waybill.errors import PermanentError

VALUES: dict[str, Any] = {
    "month": 7,
    "name": "a/b?c=d&e#f%2f é",
    "day": date(2026, 10, 1),
    "flag": True,
    "none": None,
    "several": ["x", "y z"],
}


@given(st.text(min_size=1, max_size=30).filter(lambda text: text not in (".", "..")))
def test_a_value_stays_within_its_segment(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    path = filled_path("/v1/{x}/rates", {"x": value})
    first, segment, last = path[1:].split("/")
    assert (first, unquote(segment), last) == ("v1", value, "rates")
    assert not set("?#\\ ") & set(path)


@pytest.mark.parametrize("value", ["", ".", "..", None])
def test_a_value_that_would_change_the_path_is_refused(value: str | None) -> None:
    with pytest.raises(PermanentError, match="neither empty"):
        filled_path("/v1/{x}/rates", {"x": value})


@pytest.mark.parametrize(
    "template", ["/../admin", "/a/./b", "/a/%2e%2e/b", "/a?b=c", "/a#b", "/a\\b", "/a%", "/{x}{x}"]
)
def test_a_path_that_leads_elsewhere_is_refused(template: str) -> None:
    with pytest.raises(PermanentError):
        filled_path(template, {"x": "."})


def test_a_name_that_is_no_parameter_is_refused() -> None:
    for text in ("{other}", "{orders.total}", "{month:money}"):
        with pytest.raises(PermanentError, match="no parameter"):
            filled(text, VALUES)


def test_texts() -> None:
    assert filled("{month} of {{x}}, {day}, {flag}, {none}, {several}", VALUES) == (
        "7 of {x}, 2026-10-01, true, , x,y z"
    )


def test_a_query_has_a_list_as_often_and_not_what_was_left_out() -> None:
    found = filled_query({"m": "{month}", "s": "{several}", "n": "{none}", "c": 5, "t": "a {name}"}, VALUES)
    assert found == [("m", "7"), ("s", "x"), ("s", "y z"), ("c", "5"), ("t", f"a {VALUES['name']}")]


def test_a_body_has_values_of_their_types() -> None:
    body = {"month": "{month}", "list": ["{several}", "{flag}"], "text": "m{month}", "day": "{day}", "n": 1.5}
    assert filled_json(body, VALUES) == {
        "month": 7,
        "list": [["x", "y z"], True],
        "text": "m7",
        "day": "2026-10-01",
        "n": 1.5,
    }
