"""Files in an object store: an S3 on loopback keeps them. Clients get them from it, or through the API."""

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import obstore
import pytest
import structlog
from obstore.store import S3Store
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from tests.support.access import Access, access
from tests.support.downloads import ask, downloads, problem, stored
from tests.support.s3 import REGION, S3, forget_credentials
from waybill.artefacts import ArtefactMissing, ArtefactStore
from waybill.domain import Role, StoredArtefact
from waybill.file_headers import Disposition
from waybill.kinds import Artefact

pytest_plugins = ["tests.support.lifecycle_fixtures"]

CONTENT = bytes(range(256)) * 4096
LIFETIME = timedelta(minutes=1)
PDF, HTML = "application/pdf", "text/html; charset=utf-8"
Make = Callable[..., Access]


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its URL, with the credentials for it in the environment of the test."""
    forget_credentials(monkeypatch)
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3.bucket()}/way bill"


@pytest.fixture
def make(store_url: str, bucket: str, tmp_path: Path) -> Iterator[Make]:
    """Makes APIs over the bucket."""
    with ExitStack() as made:
        yield lambda **settings: made.enter_context(
            access(store_url, tmp_path / "unused", artefact_url=bucket, **settings)
        )


def put(store: ArtefactStore, folder: Path, name: str, media_type: str, content: bytes) -> StoredArtefact:
    path = folder / "produced"
    path.write_bytes(content)
    with io.FileIO(path) as file:
        return store.put("default", uuid4(), 1, Artefact(path, media_type, name), file)


def fetched(address: str | None, method: str = "GET", **headers: str) -> httpx.Response:
    """By anyone: without a credential."""
    assert address
    return httpx.request(method, address, headers=headers, trust_env=False)


def elsewhere(answer: TestResponse) -> str:
    assert answer.status_code == 307, answer.text
    return answer.headers["Location"]


# --- the store


@pytest.mark.parametrize("size", [0, 11, 7 * 1024 * 1024], ids=["empty", "small", "in parts"])
def test_a_file_is_kept_whole_and_read_in_ranges(bucket: str, tmp_path: Path, size: int) -> None:
    store, content = ArtefactStore(bucket), (b"0123456789" * (size // 10 + 1))[:size]

    kept = put(store, tmp_path, "Umsätze.pdf", PDF, content)

    assert (kept.size, kept.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert b"".join(store.open(kept)) == content
    for start, end in ((0, size // 2), (size // 3, size), (max(0, size - 1), size)):
        assert b"".join(store.open(kept, start, end)) == content[start:end]
    address = store.address(kept, "GET", Disposition.INLINE, LIFETIME)
    answer = fetched(address)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["Content-Type"] == PDF
    assert parse_options_header(answer.headers["Content-Disposition"]) == (
        "inline",
        {"filename": "Umsätze.pdf"},
    )


def test_an_address_is_signed_as_amazon_does(bucket: str, s3: S3, tmp_path: Path) -> None:
    """The S3 of these tests does not look at signatures: so Amazon's own library computes them again."""
    store = ArtefactStore(bucket)
    kept = put(store, tmp_path, "a (1) 'b' +&=~ü.pdf", PDF, CONTENT)

    methods: tuple[Literal["GET"], Literal["HEAD"]] = ("GET", "HEAD")
    for method in methods:
        address = store.address(kept, method, Disposition.INLINE, LIFETIME)
        assert address
        query = parse_qs(urlsplit(address).query)
        assert query["X-Amz-Expires"] == ["60"]
        assert query["X-Amz-SignedHeaders"] == ["host"]
        assert f"/{REGION}/s3/" in query["X-Amz-Credential"][0]
        theirs = s3.signed(method, address.partition("?")[0], query["X-Amz-Date"][0], 60)
        assert parse_qs(urlsplit(theirs).query) == query
        assert fetched(address, method).is_success


def test_what_is_removed_is_gone_and_no_more(bucket: str, tmp_path: Path) -> None:
    store, report_id = ArtefactStore(bucket), uuid4()
    path = tmp_path / "produced"
    path.write_bytes(CONTENT)
    with io.FileIO(path) as file:
        artefact = Artefact(path, PDF, "a b.pdf")
        kept = [store.put("default", report_id, attempt, artefact, file) for attempt in (1, 2, 3)]
        other = store.put("default", uuid4(), 1, artefact, file)

    store.remove_all("default", report_id, last_attempt=2)

    for one in kept[:2]:
        with pytest.raises(ArtefactMissing):
            store.open(one)
        with pytest.raises(ArtefactMissing):
            store.address(one, "GET", Disposition.INLINE, LIFETIME)
    for one in (kept[2], other):
        assert b"".join(store.open(one)) == CONTENT


# --- the API


def test_a_file_comes_from_the_bucket_by_a_fresh_address(make: Make, tmp_path: Path) -> None:
    api = make(artefact_address_seconds=77)
    report = stored(api, tmp_path, CONTENT, "Umsätze.pdf", PDF)

    answer = ask(api, report)

    address = elsewhere(answer)
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["77"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.data == b""
    assert downloads(api, report) == 1
    whole, part = fetched(address), fetched(address, Range="bytes=10-19")
    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert whole.headers["Content-Disposition"] == (
        "inline; filename=\"Umsatze.pdf\"; filename*=UTF-8''Ums%C3%A4tze.pdf"
    )
    assert whole.headers["Content-Type"] == PDF
    assert (part.status_code, part.content) == (206, CONTENT[10:20])
    head = ask(api, report, method="HEAD")
    assert fetched(elsewhere(head), "HEAD").headers["Content-Length"] == str(len(CONTENT))
    assert downloads(api, report) == 1
    known = ask(api, report, If_None_Match=f'"{report.artefact and report.artefact.sha256}"')
    assert known.status_code == 304


def test_an_address_is_for_who_may_read_the_report_alone(make: Make, tmp_path: Path) -> None:
    api = make()
    report = stored(api, tmp_path, CONTENT, "report.pdf", PDF)
    stranger = api.person("eve", "globex", Role.REQUESTER)

    refused = [
        api.client.get(f"/api/v1/reports/{report.id}/artefact", headers=headers)
        for headers in ({}, stranger.headers)
    ]

    assert [answer.status_code for answer in refused] == [401, 404]
    assert not any("Location" in answer.headers for answer in refused)
    first = elsewhere(ask(api, report))
    assert parse_qs(urlsplit(first).query)["X-Amz-Expires"] == ["300"]


@pytest.mark.parametrize("media_type", [HTML, "image/svg+xml", "application/xml", "multipart/related"])
def test_a_page_never_runs_in_the_buckets_origin(make: Make, tmp_path: Path, media_type: str) -> None:
    api = make()
    report = stored(api, tmp_path, CONTENT, "page", media_type)

    shown, saved = ask(api, report), ask(api, report, "?download=true")

    assert (shown.status_code, shown.data) == (200, CONTENT)
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert fetched(elsewhere(saved)).headers["Content-Disposition"] == 'attachment; filename="page"'


def test_what_the_store_would_show_is_saved_through_the_api(make: Make, tmp_path: Path) -> None:
    api = make()
    report = stored(api, tmp_path, CONTENT, "report.pdf", PDF)

    answer = ask(api, report, "?download=true")

    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="report.pdf"'


def test_a_file_of_an_earlier_version_comes_through_the_api(
    make: Make, bucket: str, s3: S3, tmp_path: Path
) -> None:
    api = make()
    report = stored(api, tmp_path, CONTENT, "report.pdf", PDF)
    assert report.artefact
    obstore.put(S3Store.from_url(bucket), report.artefact.key, CONTENT)  # without what it is

    answer = ask(api, report)

    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert answer.headers["Content-Type"] == PDF


def test_the_api_streams_where_browsers_cannot_reach_the_bucket(make: Make, tmp_path: Path) -> None:
    api = make(artefact_downloads="stream")
    content = CONTENT * 9  # more than one question to the store
    report = stored(api, tmp_path, content, "report.pdf", PDF)

    whole, part = ask(api, report), ask(api, report, Range=f"bytes=100-{len(content) - 101}")

    assert (whole.status_code, whole.data) == (200, content)
    assert (part.status_code, part.data) == (206, content[100:-100])
    head = ask(api, report, method="HEAD")
    assert dict(head.headers) == dict(whole.headers)
    problem(ask(api, report, Range=f"bytes={len(content)}-"), 416, "range-not-satisfiable")


def test_the_api_streams_where_its_credentials_cannot_sign(
    make: Make, bucket: str, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a bucket that everybody may read, which needs none."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    api = make()
    report = stored(api, tmp_path, CONTENT, "report.pdf", PDF)
    assert report.artefact
    file = f"{bucket.replace('s3:/', s3.url)}/{report.artefact.key}"
    owner = {"Authorization": "AWS4-HMAC-SHA256 Credential=waybill/20261128/eu-west-1/s3/aws4_request"}
    public = {**owner, "x-amz-acl": "public-read"}
    assert httpx.put(f"{file}?acl", headers=public, trust_env=False).is_success

    with structlog.testing.capture_logs() as logged:
        answer = ask(api, report)

    assert (answer.status_code, answer.data) == (200, CONTENT)
    (line,) = [line for line in logged if "signed" in line["event"]]
    assert line["log_level"] == "warning"
    assert "http://" not in line["reason"]


@pytest.mark.parametrize("how", ["redirect", "stream"])
def test_a_file_that_is_gone_from_the_bucket_is_not_there(make: Make, tmp_path: Path, how: str) -> None:
    api = make(artefact_downloads=how)
    report = stored(api, tmp_path, CONTENT, "report.pdf", PDF)
    api.services.artefacts.remove_all(api.ann.owner.tenant, report.id, 1)

    problem(ask(api, report), 404, "no-artefact")
    assert ask(api, report, method="HEAD").status_code == 404
    assert downloads(api, report) == 0


@pytest.mark.parametrize("how", ["redirect", "stream"])
def test_a_bucket_that_is_away_is_said_with_when_to_come_back(
    make: Make, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = stored(make(), tmp_path, CONTENT, "report.pdf", PDF)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    api = make(artefact_downloads=how)

    answer = ask(api, report, Authorization=f"Bearer {api.ann.token}")

    detail = problem(answer, 503, "unavailable")["detail"]
    assert detail.startswith("The artefact cannot be read: ")
    assert "127.0.0.1" not in detail
    assert "X-Amz" not in detail
    assert answer.headers["Retry-After"]
    assert downloads(api, report) == 0


def test_clients_that_wait_for_the_store_leave_threads_for_others(make: Make, tmp_path: Path) -> None:
    api = make()
    report = stored(api, tmp_path, CONTENT, "report.pdf", PDF)
    places = api.services.places
    while places.take():
        pass

    for method in ("GET", "HEAD"):
        assert ask(api, report, method=method).status_code == 503
    places.release()
    for _ in range(3):  # each is given back
        elsewhere(ask(api, report))
