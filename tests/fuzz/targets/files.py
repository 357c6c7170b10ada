"""Requests for files: their conditions and ranges; and how files are named."""

import re
from datetime import UTC, datetime

from flask import Request
from werkzeug.http import parse_options_header

from producer_api.http_rules import Selected, is_unmodified, wanted_range
from producer_api.problems import Problem
from tests.fuzz.choices import Choices
from tests.fuzz.mutation import mutated_text, odd_text
from waybill.file_headers import Disposition, content_disposition

_FILE = Selected("abc", datetime(2026, 11, 23, 12, tzinfo=UTC), 100)
_DATE = "Mon, 23 Nov 2026 12:00:00 GMT"
_RANGES = ("bytes=10-19", "bytes=-5", "bytes=90-", "bytes=0-0,5-6", "bytes=100-")
_CONDITIONS = ('"abc"', 'W/"abc"', '"a", "abc"', "*", _DATE, "Mon, 23 Nov 2026 11:59:59 GMT")
_HEADERS = ("IF_RANGE", "IF_MATCH", "IF_NONE_MATCH", "IF_MODIFIED_SINCE", "IF_UNMODIFIED_SINCE")


def read_conditions(choices: Choices) -> bool:
    """A part is in the file, and of that file alone. True where there is one."""
    asked = mutated_text(choices, choices.one(_RANGES), 2)
    header = choices.one(_HEADERS)
    condition = mutated_text(choices, choices.one(_CONDITIONS), 2)
    sent = Request({"REQUEST_METHOD": "GET", "HTTP_RANGE": asked, f"HTTP_{header}": condition})
    try:
        is_unmodified(sent, _FILE)
        part = wanted_range(sent, _FILE)
    except Problem as problem:
        assert problem.kind in ("precondition-failed", "range-not-satisfiable")
        return False
    if part is None:
        return False
    assert 0 <= part[0] < part[1] <= _FILE.size
    if header == "IF_RANGE":
        is_date = "2026" in condition and ":" in condition
        assert condition.strip() in ('"abc"', "") or is_date
    return True


def name_a_file(choices: Choices) -> bool:
    """The header is one line of ASCII, and others read its name. True where that is the file's."""
    name = mutated_text(choices, choices.one(("report.html", "Umsätze  1.txt", 'a "b" %41.txt')), 2)
    name += odd_text(choices)

    header = content_disposition(choices.one(tuple(Disposition)), name)

    assert re.fullmatch(r"[\x20-\x7e]+", header)
    assert "  " not in header
    read = parse_options_header(header)[1]["filename"]
    assert read == "".join(one if one.isprintable() else "_" for one in name)
    return read == name
