"""Conditions and ranges of requests for a file, as RFC 9110 has them."""

from datetime import UTC, datetime

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ

from producer_api.http_rules import Selected, is_unmodified, wanted_range
from producer_api.problems import Problem

FILE = Selected("abc", datetime(2026, 11, 23, 12, 0, 0, 500_000, UTC), 100)
AT, BEFORE, AFTER = (f"Mon, 23 Nov 2026 {time} GMT" for time in ("12:00:00", "11:59:59", "12:00:01"))
Headers = dict[str, str]


def sent(headers: Headers, method: str = "GET") -> Request:
    return Request(create_environ(method=method, headers=headers))


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-99", (0, 100)),
        ("bytes=50-", (50, 100)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-100", (0, 100)),
        ("bytes=-1000", (0, 100)),
        ("BYTES=1-2", (1, 3)),
        ("bytes = 1-2", (1, 3)),
        # what is no range of bytes, or not one, is none
        ("bytes=0-1,5-6", None),
        ("bytes=5-4", None),
        ("bytes=-0", None),
        ("bytes=a-b", None),
        ("bytes=1", None),
        ("bytes", None),
        ("lines=1-2", None),
        ("", None),
    ],
)
def test_a_range_is_a_part_of_the_file(asked: str, part: tuple[int, int] | None) -> None:
    assert wanted_range(sent({"Range": asked}), FILE) == part
    assert wanted_range(sent({"Range": asked}, "HEAD"), FILE) is None


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=99999999999999999999-"])
def test_a_range_behind_the_end_is_refused_with_the_size(asked: str) -> None:
    with pytest.raises(Problem) as refused:
        wanted_range(sent({"Range": asked}), FILE)

    assert refused.value.kind == "range-not-satisfiable"
    assert refused.value.headers["Content-Range"] == "bytes */100"
    empty = Selected("abc", None, 0)
    with pytest.raises(Problem):
        wanted_range(sent({"Range": "bytes=0-"}), empty)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('"abc"', True),
        ('W/"abc"', False),
        ("abc", False),
        ('"other"', False),
        ('"abc", "other"', False),
        ("*", False),
        (AT, True),
        (BEFORE, False),
        (AFTER, False),
        ("yesterday", False),
    ],
)
def test_a_range_is_of_the_file_that_if_range_names(condition: str, holds: bool) -> None:
    asked = sent({"Range": "bytes=10-", "If-Range": condition})

    assert wanted_range(asked, FILE) == ((10, 100) if holds else None)


def test_a_date_does_not_name_a_file_without_one() -> None:
    unknown = Selected("abc", None, 100)

    assert wanted_range(sent({"Range": "bytes=10-", "If-Range": AT}), unknown) is None
    assert not is_unmodified(sent({"If-Modified-Since": AFTER}), unknown)
    assert not is_unmodified(sent({"If-Unmodified-Since": BEFORE}), unknown)


@pytest.mark.parametrize(
    ("headers", "unmodified"),
    [
        ({}, False),
        ({"If-None-Match": '"abc"'}, True),
        ({"If-None-Match": 'W/"abc"'}, True),
        ({"If-None-Match": '"x", "abc"'}, True),
        ({"If-None-Match": "*"}, True),
        ({"If-None-Match": '"x"'}, False),
        ({"If-None-Match": ""}, False),
        ({"If-Modified-Since": AT}, True),
        ({"If-Modified-Since": AFTER}, True),
        ({"If-Modified-Since": BEFORE}, False),
        ({"If-Modified-Since": "yesterday"}, False),
        ({"If-Modified-Since": "Mon, 214748364823 Nov 2026 12:00:00 GMT"}, False),
        ({"If-None-Match": '"x"', "If-Modified-Since": AFTER}, False),  # a tag counts more than a date
        ({"If-None-Match": '"abc"', "If-Modified-Since": BEFORE}, True),
        ({"If-Match": '"abc"'}, False),
        ({"If-Match": "*"}, False),
        ({"If-Match": '"x", "abc"', "If-Unmodified-Since": BEFORE}, False),
        ({"If-Unmodified-Since": AT}, False),
        ({"If-Unmodified-Since": AFTER}, False),
        ({"If-Unmodified-Since": "tomorrow"}, False),
    ],
)
def test_a_client_that_has_the_file_is_told(headers: Headers, unmodified: bool) -> None:
    assert is_unmodified(sent(headers), FILE) is unmodified


@pytest.mark.parametrize(
    "headers",
    [
        {"If-Match": '"x"'},
        {"If-Match": 'W/"abc"'},
        {"If-Match": '"x"', "If-None-Match": '"abc"'},
        {"If-Unmodified-Since": BEFORE},
    ],
)
def test_a_client_that_means_another_file_is_refused(headers: Headers) -> None:
    with pytest.raises(Problem) as refused:
        is_unmodified(sent(headers), FILE)

    assert refused.value.kind == "precondition-failed"


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255)), st.sampled_from(["bytes=", ""]))
def test_whatever_a_header_holds_it_is_an_answer(value: str, prefix: str) -> None:
    asked = sent({"Range": prefix + value})
    try:
        part = wanted_range(asked, FILE)
    except Problem:
        return
    assert part is None or 0 <= part[0] < part[1] <= FILE.size
    names = ("If-Match", "If-None-Match", "If-Range", "If-Modified-Since", "If-Unmodified-Since")
    for name in names:
        try:
            is_unmodified(sent({name: value}), FILE)
            wanted_range(sent({name: value, "Range": "bytes=1-"}), FILE)
        except Problem as problem:
            assert problem.kind == "precondition-failed"
