"""Pages are sent compressed, to those who take that."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.support.access import Access, access
from tests.support.lifecycle_store import Store

pytest_plugins = ["tests.support.lifecycle_fixtures"]


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    _ = store
    with access(store_url, tmp_path) as opened:
        yield opened


def seen(api: Access, **headers: str) -> TestResponse:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.client.get("/kinds", headers={**api.ann.headers, "Accept": "text/html", **more})


def test_a_page_is_shorter_and_the_same(api: Access) -> None:
    plain, packed = seen(api), seen(api, Accept_Encoding="br, gzip")

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2
    assert {"Accept-Encoding", "Cookie"} <= set(packed.vary) & set(plain.vary)


def test_a_page_that_has_not_changed_is_not_sent_in_either_form(api: Access) -> None:
    for first, then in (("gzip", "identity"), ("identity", "gzip"), ("gzip", "gzip")):
        etag = seen(api, Accept_Encoding=first).headers["ETag"]
        again = seen(api, Accept_Encoding=then, If_None_Match=etag)
        assert (again.status_code, again.data) == (304, b"")
        assert "Content-Encoding" not in again.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_asks_for_has_its_own_length(api: Access, site: str) -> None:
    """Else someone who chooses what is searched for learns from lengths what else a page says."""
    answer = seen(api, Accept_Encoding="gzip", Sec_Fetch_Site=site)

    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("accepted", ["", "gzip;q=0", "br", "identity"])
def test_who_does_not_take_it_gets_it_plain(api: Access, accepted: str) -> None:
    assert "Content-Encoding" not in seen(api, Accept_Encoding=accepted).headers


def test_a_file_stays_as_it_is(api: Access, tmp_path: Path) -> None:
    report = api.done(api.ann, tmp_path)
    path = f"/reports/{report.id}/files/report.txt"
    for more in ({}, {"Range": "bytes=0-3"}):
        answer = api.client.get(path, headers={**api.ann.headers, "Accept-Encoding": "gzip", **more})
        assert answer.status_code in (200, 206)
        assert "Content-Encoding" not in answer.headers
