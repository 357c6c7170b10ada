"""Where artefacts cannot be kept is said at the start, not after a report's work."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.http_server import Route, Server, serving
from waybill import launch
from waybill.artefacts import ArtefactStore, ArtefactStoreUnavailable, WrongArtefactUrl
from waybill.settings import ServiceSettings

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "harmless", "AWS_REGION": "eu-west-1"}
SETTINGS = {
    "WAYBILL_DATABASE_URL": "postgresql://127.0.0.1:1/nothing",
    "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "WAYBILL_ARTEFACT_URL": "s3://bucket",
}
EMPTY = b"<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "WAYBILL_"))]:
        monkeypatch.delenv(name)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "url",
    [
        *("/var/artefacts", "s4://bucket", "s3:/bucket", "file://folder/x", "gs://", "az://"),
        *("memory:///", "http://user:secret@minio:9000/bucket", "ftp://user:secret@host/x"),
    ],
)
def test_a_url_that_names_no_store_is_refused_with_those_that_do(url: str) -> None:
    with pytest.raises(WrongArtefactUrl, match="must be file:///folder, s3://bucket/prefix") as caught:
        ArtefactStore(url).check()

    assert "secret" not in str(caught.value)


def test_an_account_that_is_missing_is_named() -> None:
    with pytest.raises(WrongArtefactUrl, match="set AZURE_STORAGE_ACCOUNT_NAME"):
        ArtefactStore("az://container/prefix")


def test_a_folder_is_made_and_must_be_writable(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    folder = tmp_path / "a b" / "feature%2Fbill"

    ArtefactStore(folder.as_uri()).check()

    assert folder.is_dir()
    assert list(folder.iterdir()) == []
    with pytest.raises(WrongArtefactUrl, match="the folder cannot be made: Not a directory"):
        ArtefactStore((file / "x").as_uri())
    gone = ArtefactStore((tmp_path / "gone").as_uri())
    (tmp_path / "gone").rmdir()
    with pytest.raises(WrongArtefactUrl, match="no file can be written in the folder: No such file"):
        gone.check()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An S3 that answers as the test says, over plain http with its flag."""
    with serving() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        yield server


def answer(status: int, body: bytes) -> Route:
    return lambda request: request.bytes(body, "application/xml", status)


def test_a_bucket_that_answers_is_taken(endpoint: Server) -> None:
    endpoint.routes["GET /bucket"] = answer(200, EMPTY)

    ArtefactStore("s3://bucket/prefix").check()

    assert len(endpoint.requests) == 1


def test_a_bucket_that_is_not_there_is_refused(endpoint: Server) -> None:
    endpoint.routes["GET /bucket"] = answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")

    with pytest.raises(WrongArtefactUrl, match="no such bucket"):
        ArtefactStore("s3://bucket").check()


@pytest.mark.parametrize("status", [403, 404])
def test_an_answer_that_says_nothing_about_the_bucket_is_no_reason(status: int, endpoint: Server) -> None:
    endpoint.routes["GET /bucket"] = answer(status, b"<Error><Code>Whatever</Code></Error>")

    with pytest.raises(ArtefactStoreUnavailable, match=str(status)) as caught:
        ArtefactStore("s3://bucket").check()

    assert endpoint.url not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "variables", "flag"),
    [
        ("s3://bucket", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS_ALLOW_HTTP=true"),
        (
            "az://container",
            {
                "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:1",
                "AZURE_STORAGE_ACCOUNT_NAME": "account",
                "AZURE_STORAGE_ACCOUNT_KEY": "a2V5",
            },
            "AZURE_ALLOW_HTTP=true",
        ),
    ],
)
def test_plain_http_is_refused_with_the_flag_that_allows_it(
    url: str, variables: dict[str, str], flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(WrongArtefactUrl, match=rf"plain http; use https, or set {flag}"):
        ArtefactStore(url).check()


def test_a_store_that_accepts_and_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")

        with pytest.raises(ArtefactStoreUnavailable, match=r"no answer for 0.1 s"):
            ArtefactStore("s3://bucket").check(timedelta(seconds=0.1))


@pytest.mark.parametrize("service", ["producer-api", "report-worker"])
def test_neither_service_starts_without_a_place_for_artefacts(service: str) -> None:
    settings = {**SETTINGS, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}

    ended = subprocess.run(
        [Path(sys.executable).parent / service],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == 1
    assert ended.stderr == (
        f"{service}: The settings are wrong.\n"
        "  WAYBILL_ARTEFACT_URL: the store's endpoint is plain http; use https, or set AWS_ALLOW_HTTP=true.\n"
    )


def test_a_store_that_is_not_available_does_not_stop_the_start(
    endpoint: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    endpoint.routes["GET /bucket"] = answer(403, b"<Error><Code>AccessDenied</Code></Error>")
    started: list[tuple[object, ...]] = []
    monkeypatch.setattr(launch, "become", lambda *arguments, **_: started.append(arguments))

    start: Callable[..., object] = launch.launch
    start("producer-api", ServiceSettings, ["gunicorn"])

    assert started == [("producer-api", ["gunicorn"])]
