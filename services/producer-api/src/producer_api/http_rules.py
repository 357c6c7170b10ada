"""HTTP's rules for answering with a file: conditions and ranges, as RFC 9110 has them."""

from dataclasses import dataclass
from datetime import datetime

from flask import Request
from werkzeug.http import parse_date, parse_etags, parse_range_header

from producer_api.problems import Problem


@dataclass(frozen=True)
class Selected:
    """The file that a request is for: its strong validator without quotes, when it came to be, if that is
    known, and its bytes."""

    etag: str
    modified: datetime | None
    size: int


def is_unmodified(request: Request, selected: Selected) -> bool:
    """Whether the client has this very file: 304. Raises `Problem` (412) where it asks for another one. In
    the order of section 13.2.2: a tag counts more than a date."""
    headers = request.headers
    if match := headers.get("If-Match"):
        tags = parse_etags(match)
        if not (tags.star_tag or tags.is_strong(selected.etag)):
            raise _another("If-Match", selected)
    elif _is_after(selected.modified, _date(headers.get("If-Unmodified-Since"))):
        raise _another("If-Unmodified-Since", selected)
    if none_match := headers.get("If-None-Match"):
        tags = parse_etags(none_match)
        return tags.star_tag or tags.contains_weak(selected.etag)
    since = _date(headers.get("If-Modified-Since"))
    return since is not None and selected.modified is not None and not _is_after(selected.modified, since)


def wanted_range(request: Request, selected: Selected) -> tuple[int, int] | None:
    """The part that is asked for, as its first byte and the one after its last; None for the whole file. So
    are several parts, a unit that is not known, what cannot be read, and a range of another file: a server
    may do so. Raises `Problem` (416) where there is no such part."""
    asked = parse_range_header(request.headers.get("Range"))
    if (
        request.method != "GET"
        or asked is None
        or asked.units != "bytes"
        or len(asked.ranges) != 1
        or not _is_of(request.headers.get("If-Range"), selected)
    ):
        return None
    start, end = asked.ranges[0]
    if start < 0:  # the last bytes; as many as there are
        start = max(0, start + selected.size)
    if start >= selected.size:
        raise Problem(
            "range-not-satisfiable",
            f"Range: the file has {selected.size} bytes.",
            headers={"Content-Range": f"bytes */{selected.size}", "Accept-Ranges": "bytes"},
        )
    return start, selected.size if end is None else min(end, selected.size)


def _is_of(condition: str | None, selected: Selected) -> bool:
    """Whether a range may be taken from this file: of a weak tag, only the whole."""
    if condition is None:
        return True
    if (date := _date(condition)) is not None:
        return selected.modified is not None and date == selected.modified.replace(microsecond=0)
    return condition.strip() == f'"{selected.etag}"'


def _date(text: str | None) -> datetime | None:
    """None also for what werkzeug cannot hold, such as a year of twelve digits."""
    try:
        return parse_date(text)
    except OverflowError:
        return None


def _is_after(modified: datetime | None, date: datetime | None) -> bool:
    """HTTP's dates have no fractions of a second."""
    return modified is not None and date is not None and modified.replace(microsecond=0) > date


def _another(header: str, selected: Selected) -> Problem:
    return Problem(
        "precondition-failed",
        f"{header}: the file is another one.",
        headers={"ETag": f'"{selected.etag}"'},
    )
