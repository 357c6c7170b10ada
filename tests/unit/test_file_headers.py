"""How a file is named in HTTP, and what of it a browser shows where the API's headers are not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from waybill.file_headers import (
    Disposition,
    content_disposition,
    disposition_elsewhere,
    is_page,
    is_the_same_elsewhere,
)

INLINE, ATTACHMENT = Disposition.INLINE, Disposition.ATTACHMENT


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("plain.txt", 'inline; filename="plain.txt"'),
        ("July 2013.html", 'inline; filename="July 2013.html"'),
        ("Umsätze.txt", "inline; filename=\"Umsatze.txt\"; filename*=UTF-8''Ums%C3%A4tze.txt"),
        ('a "b" c.txt', "inline; filename=\"a _b_ c.txt\"; filename*=UTF-8''a%20%22b%22%20c.txt"),
        (r"a\b.txt", "inline; filename=\"a_b.txt\"; filename*=UTF-8''a%5Cb.txt"),
        ("100 %41.txt", "inline; filename=\"100 _41.txt\"; filename*=UTF-8''100%20%2541.txt"),
        ("a;b=c,d.txt", 'inline; filename="a;b=c,d.txt"'),
        ("it's (1).txt", 'inline; filename="it\'s (1).txt"'),
        ("a  b.txt", "inline; filename=\"a b.txt\"; filename*=UTF-8''a%20%20b.txt"),
        (
            "レポート.txt",
            "inline; filename=\"____.txt\"; filename*=UTF-8''" + "%E3%83%AC%E3%83%9D%E3%83%BC%E3%83%88.txt",
        ),
        ("📈.pdf", "inline; filename=\"_.pdf\"; filename*=UTF-8''%F0%9F%93%88.pdf"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe", 'inline; filename="a_fdp.exe"'),
        ("two\r\nSet-Cookie: lines", 'inline; filename="two__Set-Cookie: lines"'),
    ],
)
def test_a_name_is_sent_in_both_forms(name: str, header: str) -> None:
    assert content_disposition(INLINE, name) == header


@given(st.text(min_size=1))
def test_any_name_is_one_header_that_others_read(name: str) -> None:
    header = content_disposition(ATTACHMENT, name)

    assert re.fullmatch(r"[\x20-\x7e]+", header)
    assert "  " not in header
    shown, parameters = parse_options_header(header)
    assert shown == "attachment"
    assert parameters == {"filename": "".join(one if one.isprintable() else "_" for one in name)}


@pytest.mark.parametrize(
    "media_type",
    [
        *("text/html", "TEXT/HTML; charset=utf-8", "application/xhtml+xml", "image/svg+xml", "text/xml"),
        *("application/xml", "application/atom+xml", "text/xsl", "multipart/x-mixed-replace;boundary=a"),
    ],
)
def test_what_a_browser_may_run_is_a_page_and_is_never_shown_elsewhere(media_type: str) -> None:
    assert is_page(media_type)
    assert disposition_elsewhere(media_type) is ATTACHMENT
    assert not is_the_same_elsewhere(media_type, INLINE)
    assert is_the_same_elsewhere(media_type, ATTACHMENT)


@pytest.mark.parametrize(
    "media_type",
    ["application/pdf", "text/plain; charset=utf-8", "image/png", "video/mp4", "application/json"],
)
def test_what_is_surely_data_is_shown_elsewhere(media_type: str) -> None:
    assert not is_page(media_type)
    assert disposition_elsewhere(media_type) is INLINE
    assert is_the_same_elsewhere(media_type, INLINE)
    assert not is_the_same_elsewhere(media_type, ATTACHMENT)


@pytest.mark.parametrize(
    "media_type", ["application/unknown", "unknown/unknown", "text/csv", "application/zip"]
)
def test_what_a_browser_would_guess_or_cannot_show_is_saved_elsewhere(media_type: str) -> None:
    assert disposition_elsewhere(media_type) is ATTACHMENT
    assert is_the_same_elsewhere(media_type, INLINE)
    assert is_the_same_elsewhere(media_type, ATTACHMENT)
