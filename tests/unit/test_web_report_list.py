"""What a person looks for in the list of reports, and which saved views are shown above it."""

import pytest

from producer_api.web.report_list import is_as_sent, look, without_within
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
        (
            {"created_after": "2026-11-23T12:00", "created_before": "2026-11-24T01:00:00+01:00"},
            ["requested since 23 Nov 2026, 12:00:00 UTC", "requested before 24 Nov 2026, 00:00:00 UTC"],
        ),
        ({"created_after": "yesterday"}, ["requested since yesterday"]),
        ({"cursor": "01979a2b-0000-7000-8000-000000000000", "other": "x", "tag": " "}, []),
    ],
    ids=str,
)
def test_a_filter_is_said_in_words_in_one_order(given: dict[str, str], words: list[str]) -> None:
    assert list(look(given).words()) == words


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"tag": "a", "kind": "", "q": " "}, {"tag": "a"}),
        ({"tag": " a "}, {"tag": "a"}),
        ({"created_after": "2026-11-23T12:00"}, {"created_after": "2026-11-23T12:00:00Z"}),
        ({"created_before": "2026-11-23T12:00:30.5"}, {"created_before": "2026-11-23T12:00:30.5Z"}),
        ({"within": "1h", "created_after": "2026-11-23T12:00"}, {"created_after": "2026-11-23T12:00:00Z"}),
        ({"within": "1h", "created_after": ""}, {"within": "1h"}),
    ],
    ids=str,
)
def test_an_address_that_a_form_makes_is_shortened_once(
    given: dict[str, str], address: dict[str, str]
) -> None:
    looked = look(given)
    assert not looked.errors
    assert not is_as_sent(looked, given)
    assert without_within(looked.fields) == address
    assert is_as_sent(look(address), address)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"tag": "a", "other": ""},
        {"created_after": "2026-11-23T12:00:00+01:00"},
        {"created_after": "yesterday"},
        {"parameter.month": "7"},
    ],
    ids=str,
)
def test_another_address_stays(given: dict[str, str]) -> None:
    assert is_as_sent(look(given), given)


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
