"""Choices that come from rows: values, labels, and not too many."""

from decimal import Decimal

from report_worker.query.listing import MAX_LISTED, listed


def test_the_first_column_is_the_value_and_the_second_its_label() -> None:
    rows = [("a", "The A"), ("b", None), (3, 4), (Decimal("1.5"), "x", "y"), (None, "none"), ()]
    assert listed(rows) == {
        "choices": [
            {"value": "a", "label": "The A"},
            {"value": "b", "label": None},
            {"value": 3, "label": "4"},
            {"value": "1.5", "label": "x"},
        ],
        "more": False,
    }


def test_each_value_is_there_once_and_long_ones_are_not() -> None:
    found = listed([("a", "first"), ("a", "second"), ("x" * 201,), ("b", "y" * 500)])
    assert [one["value"] for one in found["choices"]] == ["a", "b"]
    assert found["choices"][0]["label"] == "first"
    assert len(found["choices"][1]["label"]) == 200


def test_of_many_there_are_the_first() -> None:
    found = listed([(f"{number}",) for number in range(MAX_LISTED + 1)])
    assert len(found["choices"]) == MAX_LISTED
    assert found["more"]
