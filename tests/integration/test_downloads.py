"""A report's file as HTTP answers with it, from a folder: ranges, conditions, HEAD, any name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.http import parse_options_header

from tests.support.access import Access, access
from tests.support.downloads import ask, downloads, problem, stored

pytest_plugins = ["tests.support.lifecycle_fixtures"]

CONTENT = bytes(range(256)) * 4096
"""1 MiB."""


@pytest.fixture
def api(store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path / "artefacts") as made:
        yield made


def test_the_whole_file_comes_with_what_clients_need(api: Access, tmp_path: Path) -> None:
    report = stored(api, tmp_path, CONTENT)

    answer = ask(api, report)

    assert report.artefact and report.finished_at
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.headers["ETag"] == f'"{report.artefact.sha256}"'
    assert answer.last_modified == report.finished_at.replace(microsecond=0)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-cache, no-transform"
    assert answer.headers["Content-Disposition"] == 'inline; filename="report.bin"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert downloads(api, report) == 1


def test_head_has_the_same_headers_and_is_no_download(api: Access, tmp_path: Path) -> None:
    report = stored(api, tmp_path, CONTENT)
    whole = ask(api, report)
    places = api.services.places
    while places.take():  # HEAD needs none
        pass

    head = ask(api, report, method="HEAD", Range="bytes=0-9")

    assert (head.status_code, head.data) == (200, b"")
    assert dict(head.headers) == dict(whole.headers)
    assert downloads(api, report) == 1
    problem(ask(api, report), 503, "unavailable")


def test_a_range_is_a_part(api: Access, tmp_path: Path) -> None:
    report = stored(api, tmp_path, CONTENT)

    middle = ask(api, report, Range="bytes=1000-2999")
    tail = ask(api, report, Range="bytes=-10")
    several = ask(api, report, Range="bytes=0-1,5-6")

    assert (middle.status_code, middle.data) == (206, CONTENT[1000:3000])
    assert middle.headers["Content-Range"] == f"bytes 1000-2999/{len(CONTENT)}"
    assert middle.headers["Content-Length"] == "2000"
    assert middle.headers["ETag"] == ask(api, report, method="HEAD").headers["ETag"]
    assert (tail.status_code, tail.data) == (206, CONTENT[-10:])
    assert (several.status_code, several.data) == (200, CONTENT)
    assert downloads(api, report) == 3


def test_a_range_that_is_not_there_is_refused(api: Access, tmp_path: Path) -> None:
    report = stored(api, tmp_path, CONTENT)

    answer = ask(api, report, Range=f"bytes={len(CONTENT)}-")

    problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"
    assert downloads(api, report) == 0


def test_a_download_goes_on_only_in_the_same_file(api: Access, tmp_path: Path) -> None:
    report = stored(api, tmp_path, CONTENT)
    tag = ask(api, report, method="HEAD").headers["ETag"]

    same = ask(api, report, Range="bytes=1000-", If_Range=tag)
    weak = ask(api, report, Range="bytes=1000-", If_Range=f"W/{tag}")
    other = ask(api, report, Range="bytes=1000-", If_Range='"other"')

    assert (same.status_code, same.data) == (206, CONTENT[1000:])
    assert (weak.status_code, weak.data) == (200, CONTENT)
    assert (other.status_code, other.data) == (200, CONTENT)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_client_that_has_the_file_gets_it_not_again(api: Access, tmp_path: Path, method: str) -> None:
    report = stored(api, tmp_path, CONTENT)
    known = ask(api, report, method="HEAD").headers

    by_tag = ask(api, report, method=method, If_None_Match=known["ETag"])
    by_date = ask(api, report, method=method, If_Modified_Since=known["Last-Modified"])

    for answer in (by_tag, by_date):
        assert (answer.status_code, answer.data) == (304, b"")
        for name in ("ETag", "Cache-Control"):
            assert answer.headers[name] == known[name]
        assert "Content-Length" not in answer.headers
        assert "Content-Type" not in answer.headers
    assert downloads(api, report) == 0
    assert ask(api, report, method=method, If_None_Match='"other"').status_code == 200


def test_a_client_that_means_another_file_gets_none(api: Access, tmp_path: Path) -> None:
    report = stored(api, tmp_path, CONTENT)

    problem(ask(api, report, If_Match='"other"'), 412, "precondition-failed")

    assert downloads(api, report) == 0
    assert ask(api, report, If_Match="*").status_code == 200


@pytest.mark.parametrize(
    "name",
    ['a "quoted" name.txt', r"back\slash.txt", "100 %41.txt", "Umsätze  Juli.txt", "📈.txt", "レポート"],
)
@pytest.mark.parametrize(("query", "shown"), [("", "inline"), ("?download=true", "attachment")])
def test_any_name_comes_as_it_is(api: Access, tmp_path: Path, name: str, query: str, shown: str) -> None:
    answer = ask(api, stored(api, tmp_path, CONTENT, name), query)

    assert parse_options_header(answer.headers["Content-Disposition"]) == (shown, {"filename": name})


def test_a_link_may_have_parameters_of_trackers(api: Access, tmp_path: Path) -> None:
    report = stored(api, tmp_path, CONTENT)

    assert ask(api, report, "?utm_source=mail").status_code == 200
    problem(ask(api, report, "?download=perhaps"), 422, "wrong-request")


def test_an_empty_file_is_whole(api: Access, tmp_path: Path) -> None:
    report = stored(api, tmp_path, b"")

    assert (ask(api, report).status_code, ask(api, report).data) == (200, b"")
    problem(ask(api, report, Range="bytes=0-"), 416, "range-not-satisfiable")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_file_that_is_gone_is_not_there(api: Access, tmp_path: Path, method: str) -> None:
    report = stored(api, tmp_path, CONTENT)
    (file,) = (tmp_path / "artefacts").glob(f"*/reports/{report.id}/*/*")
    file.unlink()

    answer = ask(api, report, method=method)

    assert answer.status_code == 404
    assert downloads(api, report) == 0
    free = api.services.places
    assert free.take()  # no place is lost
