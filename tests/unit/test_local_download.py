"""A release is taken only whole and with the right checksum; whatever else a server does is noticed soon."""

import hashlib
import io
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.install import download, jaeger, jaeger_release
from local.install.context import Context
from local.install.download import DownloadFailedError
from local.install.jaeger_release import Release
from local.process import Launcher, LauncherClosedError
from local.progress import Task
from tests.support.http_server import Request, Server, serving

PROGRAM = b"#!/bin/sh\necho a jaeger\n"
SYSTEM = "plan9-mips"


def pack(folder: str, program: bytes = PROGRAM, name: str = "jaeger") -> bytes:
    """An archive in the layout of Jaeger's releases."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for member, content in ((name, program), ("example-hotrod", b"another")):
            entry = tarfile.TarInfo(f"{folder}/{member}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


RELEASE = Release("9.9.9")
ARCHIVE = pack(RELEASE.name(SYSTEM))
PATH = f"/v9.9.9/{RELEASE.name(SYSTEM)}"


def listing(program: bytes = PROGRAM) -> bytes:
    """The release's own checksums, as it publishes them."""
    name = RELEASE.name(SYSTEM)
    other = hashlib.sha256(b"another").hexdigest()
    own = hashlib.sha256(program).hexdigest()
    return f"{other} *{name}/example-hotrod\n{own} *{name}/jaeger\n".encode()


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    with Launcher() as launcher:
        yield Context(launcher, tmp_path / "log", Task("jaeger"))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


def serve(server: Server, archive: bytes = ARCHIVE, checksums: bytes | None = None) -> None:
    server.routes[f"GET {PATH}.tar.gz"] = lambda request: request.bytes(archive, "application/gzip")
    if checksums is not None:
        server.routes[f"GET {PATH}.sha256sum.txt"] = lambda request: request.bytes(checksums, "text/plain")


def release_at(url: str, pin: bytes | None = ARCHIVE) -> Release:
    pins = {} if pin is None else {SYSTEM: hashlib.sha256(pin).hexdigest()}
    return Release(RELEASE.version, pins, url)


def fetch(context: Context, folder: Path, release: Release) -> Path:
    target = folder / "fetched/jaeger"
    target.parent.mkdir()
    jaeger_release.fetch(context, target, release, SYSTEM)
    return target


def test_a_whole_archive_with_the_pinned_checksum_is_used(
    context: Context, server: Server, tmp_path: Path
) -> None:
    serve(server)

    program = fetch(context, tmp_path, release_at(server.url))

    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o111
    assert list(program.parent.iterdir()) == [program], "nothing else is left"


def test_without_a_pin_the_program_is_compared_with_the_release_s_list(
    context: Context, server: Server, tmp_path: Path
) -> None:
    serve(server, checksums=listing())

    assert fetch(context, tmp_path, release_at(server.url, pin=None)).read_bytes() == PROGRAM


@pytest.mark.parametrize(
    ("archive", "pin", "checksums", "why"),
    [
        (pack(RELEASE.name(SYSTEM), b"evil"), ARCHIVE, None, "has the SHA-256 .*, not "),
        (pack(RELEASE.name(SYSTEM), b"evil"), None, listing(), "has a program with the SHA-256 .*, not "),
        (ARCHIVE, None, b"0000 *other\n", "no checksum in the release's list"),
        (ARCHIVE, None, None, "was answered with 404"),
        (ARCHIVE[:60], ARCHIVE[:60], None, "is not an archive with"),
        (b"<html>sign in</html>", b"<html>sign in</html>", None, "is not an archive with"),
        (pack("elsewhere"), pack("elsewhere"), None, "is not an archive with"),
    ],
    ids=["wrong-pin", "wrong-list", "not-listed", "no-list", "cut-off", "no-archive", "other-layout"],
)
def test_what_is_not_the_release_is_refused(
    context: Context,
    server: Server,
    tmp_path: Path,
    archive: bytes,
    pin: bytes | None,
    checksums: bytes | None,
    why: str,
) -> None:
    serve(server, archive, checksums)

    with pytest.raises(DownloadFailedError, match=why):
        fetch(context, tmp_path, release_at(server.url, pin))

    assert list((tmp_path / "fetched").iterdir()) == []


def test_a_truncated_body_is_noticed(context: Context, server: Server, tmp_path: Path) -> None:
    def cut(request: Request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(ARCHIVE)))
        request.end_headers()
        request.wfile.write(ARCHIVE[: len(ARCHIVE) // 2])
        request.close_connection = True

    server.routes[f"GET {PATH}.tar.gz"] = cut

    with pytest.raises(DownloadFailedError, match="broke off after"):
        fetch(context, tmp_path, release_at(server.url))


def test_a_release_that_is_not_there_is_noticed(context: Context, server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailedError, match="was answered with 404"):
        fetch(context, tmp_path, release_at(server.url))


def test_a_server_that_is_not_there_is_noticed(context: Context, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailedError, match="cannot be reached: Connection refused"):
        fetch(context, tmp_path, release_at("http://127.0.0.1:1"))


@contextmanager
def hanging(first: bytes) -> Iterator[str]:
    """A server that accepts, sends the first bytes, and then nothing."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(first)
                ended.wait(30)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def test_a_machine_without_the_release_page_waits_three_seconds() -> None:
    assert download.ANSWER_SECONDS <= 3


def test_a_server_that_never_answers_is_given_up(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.2)
    with hanging(b"") as url, pytest.raises(DownloadFailedError, match=r"was not answered within 0\.2 s"):
        fetch(context, tmp_path, release_at(url))


def test_a_name_that_is_looked_up_forever_is_given_up(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def look_up(*_args: object, **_options: object) -> Callable[..., object]:
        ended.wait(30)
        raise socket.gaierror("no")

    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        with pytest.raises(DownloadFailedError, match="was not answered"):
            fetch(context, tmp_path, release_at("http://releases.example"))
    finally:
        ended.set()


def test_a_server_that_hangs_half_way_is_given_up(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_STALL_SECONDS", 0.2)
    begin = f"HTTP/1.1 200 OK\r\nContent-Length: {len(ARCHIVE)}\r\n\r\n".encode() + ARCHIVE[:10]
    with hanging(begin) as url, pytest.raises(DownloadFailedError, match="stood still for"):
        fetch(context, tmp_path, release_at(url))


def test_a_download_ends_with_the_set_up(context: Context, server: Server, tmp_path: Path) -> None:
    serve(server)
    context.launcher.close()

    with pytest.raises(LauncherClosedError):
        fetch(context, tmp_path, release_at(server.url))


class TestTheOrder:
    """The PATH, the cache, the release, the build from source."""

    @pytest.fixture(autouse=True)
    def own_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.setattr(jaeger_release, "this_platform", lambda: SYSTEM)

    @pytest.fixture
    def built(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Stands in for the build, which takes minutes; the whole of it is what `make demo` runs."""
        calls: list[str] = []

        def build(_context: Context, folder: Path) -> None:
            calls.append("built")
            (folder / "jaeger").write_bytes(PROGRAM)

        monkeypatch.setattr(jaeger, "_build", build)
        return calls

    def test_the_release_comes_before_the_build(
        self, context: Context, server: Server, built: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serve(server)
        monkeypatch.setattr(jaeger_release, "RELEASE", release_at(server.url))

        jaeger.install(context)
        jaeger.install(context)

        assert built == []
        assert server.requests == [f"GET {PATH}.tar.gz"], "the second time it is in the cache"
        found = jaeger.find()
        assert found is not None
        assert found.read_bytes() == PROGRAM

    def test_a_refused_release_is_built_and_the_reason_is_said(
        self, context: Context, server: Server, built: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serve(server, pack(RELEASE.name(SYSTEM), b"evil"))
        monkeypatch.setattr(jaeger_release, "RELEASE", release_at(server.url))

        jaeger.install(context)

        assert built == ["built"]
        assert "built from source, as the release has the SHA-256" in context.task.text
        assert "SHA-256" in context.log.read_text()

    def test_a_copy_of_the_releases_is_used_where_it_is_named(
        self, context: Context, server: Server, built: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serve(server)
        monkeypatch.setattr(jaeger_release, "RELEASE", release_at("http://127.0.0.1:1"))
        monkeypatch.setenv(jaeger_release.RELEASES_VARIABLE, f"{server.url}/")

        jaeger.install(context)

        assert built == []

    def test_the_one_on_the_path_is_used_first(
        self, context: Context, built: list[str], tmp_path: Path
    ) -> None:
        program = tmp_path / "bin/jaeger"
        program.parent.mkdir()
        program.write_text('#!/bin/sh\necho \'{"gitVersion":"v2.20.0"}\'\n')
        program.chmod(0o755)

        jaeger.install(context)

        assert jaeger.find() == program
        assert built == []
