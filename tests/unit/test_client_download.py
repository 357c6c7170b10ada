"""The client gets a file from wherever the API sends it, whole and without its token."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from stamina.instrumentation import get_on_retry_hooks, set_on_retry_hooks

from tests.support.answers import REPORT_ID, report
from tests.support.certificate_files import Authority
from tests.support.http_server import Request, Route, Server, in_turn, serving
from waybill_client import ArtefactError, Report, RetryPolicy, ServerUnreachableError, WaybillClient
from waybill_client.errors import ClientError, UnexpectedAnswerError

CONTENT = bytes(range(256)) * 1024
FILE = f"GET /api/v1/reports/{REPORT_ID}/artefact"
SIGNED = "/bucket/a%20%22b%22%2F%281%29.pdf?X-Amz-Signature=hush&x=%2F+%20"
OBJECT = "GET /bucket/a%20%22b%22%2F%281%29.pdf"
TOKEN = "the-token"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as api:
        yield api


@pytest.fixture
def store() -> Iterator[Server]:
    with serving() as other:
        yield other


@pytest.fixture
def client(server: Server) -> Iterator[WaybillClient]:
    with WaybillClient(server.url, RetryPolicy(attempts=2, wait_initial=0.01), token=TOKEN) as opened:
        yield opened


def done(content: bytes = CONTENT) -> Report:
    artefact = {
        "href": f"/api/v1/reports/{REPORT_ID}/artefact",
        "filename": "report.pdf",
        "media_type": "application/pdf",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return Report.model_validate(report("done", artefact=artefact))


def redirect(to: str, status: int = 307) -> Route:
    return lambda request: request.bytes(b"", "text/plain", status, Location=to)


class File:
    """A file as HTTP servers have it, of which each answer breaks off after some bytes. `heads` are the
    requests."""

    def __init__(self, *breaks: int, tag: str = '"one"', ranges: bool = True) -> None:
        self.heads: list[dict[str, str]] = []
        self._breaks = list(breaks)
        self._tag = tag
        self._ranges = ranges

    def __call__(self, request: Request) -> None:
        self.heads.append({name.lower(): value for name, value in request.headers.items()})
        asked = self.heads[-1].get("range")
        goes_on = asked and self._ranges and self.heads[-1].get("if-range") == self._tag
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and goes_on else 0
        request.send_response(206 if goes_on else 200)
        request.send_header("Content-Length", str(len(CONTENT) - start))
        request.send_header("ETag", self._tag)
        if goes_on:
            request.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        request.end_headers()
        end = start + self._breaks.pop(0) if self._breaks else len(CONTENT)
        request.wfile.write(CONTENT[start:end])
        request.close_connection = True

    @property
    def ranges(self) -> list[str | None]:
        return [head.get("range") for head in self.heads]


# --- elsewhere


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_it_is_fetched_where_the_api_says_without_the_token(
    status: int, server: Server, store: Server, client: WaybillClient, tmp_path: Path
) -> None:
    sent: list[str | None] = []

    def file(request: Request) -> None:
        sent.extend(request.headers[name] for name in ("Authorization", "Cookie"))
        request.bytes(CONTENT, "application/pdf")

    store.routes[OBJECT] = file
    server.routes[FILE] = redirect(f"{store.url}{SIGNED}", status)

    assert client.download(done(), tmp_path).read_bytes() == CONTENT

    assert sent == [None, None]
    assert store.requests == [f"GET {SIGNED}"]  # to the letter: it is signed


def test_a_password_of_the_apis_address_goes_nowhere_else(
    server: Server, store: Server, tmp_path: Path
) -> None:
    file = File()
    store.routes[OBJECT] = file
    server.routes[FILE] = redirect(f"{store.url}{SIGNED}")

    with WaybillClient(server.url.replace("://", "://me:hush@")) as client:
        client.download(done(), tmp_path)

    assert "authorization" not in file.heads[0]


def test_the_token_does_not_come_back_to_the_api_either(
    server: Server, store: Server, client: WaybillClient, tmp_path: Path
) -> None:
    file = File()
    server.routes |= {FILE: redirect(f"{store.url}/again"), "GET /here": file}
    store.routes["GET /again"] = redirect(f"{server.url}/here")

    client.download(done(), tmp_path)

    assert "authorization" not in file.heads[0]


def test_another_file_from_there_is_none(
    server: Server, store: Server, client: WaybillClient, tmp_path: Path
) -> None:
    store.routes[OBJECT] = lambda request: request.bytes(b"x" * len(CONTENT), "application/pdf")
    server.routes[FILE] = redirect(f"{store.url}{SIGNED}")

    with pytest.raises(ArtefactError, match=r"report\.pdf came as 262144 bytes with SHA-256"):
        client.download(done(), tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_no_more_is_read_than_was_announced(
    server: Server, store: Server, client: WaybillClient, tmp_path: Path
) -> None:
    def endless(request: Request) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while True:
                request.wfile.write(CONTENT)
        except OSError:
            request.close_connection = True

    store.routes[OBJECT] = endless
    server.routes[FILE] = redirect(f"{store.url}{SIGNED}")

    with pytest.raises(ArtefactError, match="but its report tells 262144 bytes"):
        client.download(done(), tmp_path)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("ftp://store/x", "which is not followed"),
        ("file:///etc/passwd", "which is not followed"),
        ("http://me:hush@store/x", "which is not followed"),
        ("http://store:port/x", "invalid URL in location header"),
    ],
)
def test_an_address_that_is_no_stores_is_not_followed(
    address: str, sentence: str, server: Server, client: WaybillClient, tmp_path: Path
) -> None:
    server.routes[FILE] = redirect(address)

    with pytest.raises(ClientError, match=sentence) as refused:
        client.download(done(), tmp_path)

    assert "hush" not in str(refused.value)


def test_over_https_it_is_led_to_https_alone(store: Server, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    shown = authority.issue("server").shown()
    with (
        serving(shown) as server,
        serving(shown) as secure,
        WaybillClient(server.url, ca_file=authority.file) as client,
    ):
        server.routes[FILE] = redirect(f"{store.url}{SIGNED}")
        with pytest.raises(ArtefactError, match="must be https"):
            client.download(done(), tmp_path / "file")
        server.routes[FILE] = redirect(f"{secure.url}{SIGNED}")
        secure.routes[OBJECT] = File()
        assert client.download(done(), tmp_path / "file").read_bytes() == CONTENT

    assert store.requests == []


def test_it_is_not_led_round_and_round(server: Server, client: WaybillClient, tmp_path: Path) -> None:
    server.routes[FILE] = redirect(FILE.removeprefix("GET "))

    with pytest.raises(ArtefactError, match="each address leads to another one"):
        client.download(done(), tmp_path)


def test_a_refusal_of_the_store_is_a_sentence_without_the_address(
    server: Server, store: Server, client: WaybillClient, tmp_path: Path
) -> None:
    server.routes[FILE] = redirect(f"{store.url}{SIGNED}")
    store.routes[OBJECT] = lambda request: request.bytes(b"<Error/>", "application/xml", 403)

    with pytest.raises(
        ArtefactError, match=r"cannot be had from the artefact store: .* answered 403"
    ) as refused:
        client.download(done(), tmp_path)

    assert "hush" not in str(refused.value)
    server.routes[FILE] = redirect(f"http://127.0.0.1:1{SIGNED}")
    with pytest.raises(ServerUnreachableError, match=r"the artefact store at http://127\.0\.0\.1:1:") as away:
        client.download(done(), tmp_path)
    assert "hush" not in str(away.value)


def test_a_store_that_is_busy_is_asked_again_and_its_address_is_not_logged(
    server: Server, store: Server, client: WaybillClient, tmp_path: Path
) -> None:
    server.routes[FILE] = redirect(f"{store.url}{SIGNED}")
    store.routes[OBJECT] = in_turn(lambda request: request.bytes(b"<Error/>", "application/xml", 503), File())
    before, told = get_on_retry_hooks(), list[str]()
    set_on_retry_hooks([lambda details: told.append(repr(details))])
    try:
        assert client.download(done(), tmp_path).read_bytes() == CONTENT
    finally:
        set_on_retry_hooks(before)

    assert "503" in told[0]
    assert "hush" not in told[0]


# --- in parts


def test_it_goes_on_where_it_broke(server: Server, client: WaybillClient, tmp_path: Path) -> None:
    server.routes[FILE] = file = File(100_000, 100_000)

    assert client.download(done(), tmp_path).read_bytes() == CONTENT

    assert file.ranges == [None, "bytes=100000-", "bytes=200000-"]
    assert [head.get("if-range") for head in file.heads] == [None, '"one"', '"one"']


def test_each_part_from_elsewhere_has_a_new_address(
    server: Server, store: Server, client: WaybillClient, tmp_path: Path
) -> None:
    server.routes[FILE] = in_turn(redirect(f"{store.url}/first"), redirect(f"{store.url}/second"))
    store.routes |= {"GET /first": File(100_000), "GET /second": (file := File())}

    assert client.download(done(), tmp_path).read_bytes() == CONTENT

    assert file.ranges == ["bytes=100000-"]
    assert "authorization" not in file.heads[0]


@pytest.mark.parametrize(("tag", "ranges"), [('"one"', False), ('W/"one"', True)])
def test_a_server_that_begins_again_is_read_on(
    tag: str, ranges: bool, server: Server, client: WaybillClient
) -> None:
    server.routes[FILE] = file = File(100_000, 150_000, tag=tag, ranges=ranges)
    sink = io.BytesIO()  # as standard output, where nothing can be taken back

    client.write_artefact(done(), sink)

    assert sink.getvalue() == CONTENT
    assert len(file.heads) == 3


def test_another_file_in_its_place_is_noticed(server: Server, client: WaybillClient, tmp_path: Path) -> None:
    server.routes[FILE] = in_turn(
        File(100_000, tag='"one"'), lambda request: request.bytes(bytes(len(CONTENT)), "application/pdf")
    )

    with pytest.raises(ArtefactError, match="with SHA-256"):
        client.download(done(), tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_another_range_than_was_asked_for_is_refused(
    server: Server, client: WaybillClient, tmp_path: Path
) -> None:
    server.routes[FILE] = in_turn(
        File(100_000),
        lambda request: request.bytes(b"x", "text/plain", 206, Content_Range="bytes 5-5/262144"),
    )

    with pytest.raises(UnexpectedAnswerError, match="another range"):
        client.download(done(), tmp_path)


def test_a_server_that_breaks_off_again_and_again_is_given_up(
    server: Server, client: WaybillClient, tmp_path: Path
) -> None:
    server.routes[FILE] = file = File(*[10] * 50)

    with pytest.raises(ServerUnreachableError):
        client.download(done(), tmp_path)

    assert len(file.heads) == 5
    assert list(tmp_path.iterdir()) == []
