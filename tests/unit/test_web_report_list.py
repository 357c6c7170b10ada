"""What a person looks for in the list of reports, and which saved views are shown above it."""

import pytest

from producer_api.web.report_list import look
from producer_api.web.view_list import Views
from waybill.domain import Owner, SavedView

ANN = Owner("acme", "ann")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"status": "fail"}, ["failed"]),
        ({"status": "init,processing"}, ["waiting or running"]),
        ({"status": "asleep"}, ["asleep"]),
        ({"tag": "a", "kind": "dowork", "status": "done"}, ["done", "kind dowork", "tag a"]),
        ({"parameter.b": "1", "parameter.a": "2", "parameter": "c=3"}, ["c=3", "a=2", "b=1"]),
        ({"within": "24h", "q": "disk"}, ["error has “disk”", "last 24 hours"]),
        ({"cursor": "01979a2b-0000-7000-8000-000000000000", "other": "x", "tag": " "}, []),
    ],
    ids=str,
)
def test_a_filter_is_said_in_words_in_one_order(given: dict[str, str], words: list[str]) -> None:
    assert list(look(given).words()) == words


def view(name: str) -> SavedView:
    return SavedView(ANN, name, {"tag": name}, shared=False)


@pytest.mark.parametrize(
    ("fields", "chips", "current"),
    [
        ({}, "abcde", None),
        ({"tag": "b"}, "abcde", "b"),
        ({"tag": "g"}, "abcdeg", "g"),
        ({"tag": "b", "status": "done"}, "abcde", None),
    ],
    ids=str,
)
def test_the_first_views_are_shown_and_the_current_one(
    fields: dict[str, str], chips: str, current: str | None
) -> None:
    views = Views([view(name) for name in "abcdefg"], fields, ANN)

    assert [one.name for one in views.chips] == list(chips)
    assert (views.current.name if views.current else None) == current
