"""HTTPS by gunicorn's worker of ours: what holds for slow clients over HTTP holds over TLS."""

import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from producer_api.policies import SHORT_ANSWER_BYTES
from tests.support.certificate_files import Authority, Files, serial_of
from tests.support.edge import THREADS, serving
from tests.support.raw_http import answer_of, connect, read_all
from tests.support.waiting import PATIENCE, eventually

REQUEST = b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = 3_000_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def files(authority: Authority) -> Files:
    return authority.issue("server")


@pytest.fixture(scope="module")
def url(files: Files) -> Iterator[str]:
    with serving("Secure", files) as (address, _):
        yield address


@contextmanager
def secure(url: str, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """A connection after its handshake. Its end is an error where the server has not told it."""
    with connect(url) as plain:
        wrapped = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
        with wrapped:
            yield wrapped


def status(url: str, authority: Authority) -> int:
    return httpx.get(f"{url}/1", verify=authority.trusted(), timeout=PATIENCE, trust_env=False).status_code


def is_answered(url: str, authority: Authority) -> bool:
    """Not where a machine that is busy made the client late."""
    try:
        return status(url, authority) == httpx.codes.OK
    except httpx.TransportError:
        return False


def test_the_application_is_called_by_https_and_by_http_1_1(url: str, authority: Authority) -> None:
    context = authority.trusted()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with secure(url, context) as client:
        client.sendall(REQUEST % 3)
        answer = answer_of(client)

        assert client.selected_alpn_protocol() == "http/1.1"
    assert (answer.status_code, answer.content) == (200, b"xxx")
    assert answer.headers["X-Scheme"] == "https"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(version: ssl.TLSVersion, url: str, authority: Authority) -> None:
    context = authority.trusted()
    context.minimum_version = context.maximum_version = version
    with secure(url, context) as client:
        client.sendall(REQUEST % 1)

        assert answer_of(client).content == b"x"


def test_nothing_is_sent_between_handshake_and_answer(url: str, authority: Authority) -> None:
    """A request that comes with the end of the handshake would be held until it is acknowledged."""
    context = authority.trusted()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with secure(url, context) as client:
        client.sendall(REQUEST % 1)
        answer_of(client)

        assert client.session is not None
        assert not client.session.has_ticket


def test_nothing_older_is_spoken(url: str, authority: Authority) -> None:
    context = authority.trusted()
    context.set_ciphers("ALL:@SECLEVEL=0")  # without which this client would not offer it
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"), secure(url, context):
        pass


def test_a_client_that_trusts_another_authority_or_wants_another_name_refuses_it(
    url: str, authority: Authority, tmp_path: Path
) -> None:
    for context, name in ((Authority(tmp_path).trusted(), "localhost"), (authority.trusted(), "example.org")):
        with connect(url) as plain, pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(plain, server_hostname=name)

    assert status(url, authority) == httpx.codes.OK


def test_a_request_without_tls_is_answered_with_what_to_do(url: str) -> None:
    with connect(url) as client:
        client.sendall(REQUEST % 1)
        answer = answer_of(client)

        assert client.recv(1) == b""
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-request")
    assert "HTTPS" in answer.json()["detail"]


@pytest.mark.parametrize("sent", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_clients_that_do_not_finish_a_handshake_hold_no_thread(
    sent: bytes, url: str, authority: Authority
) -> None:
    with ExitStack() as opened:
        for _ in range(4 * THREADS):
            opened.enter_context(connect(url)).sendall(sent)

        for _ in range(10):
            assert status(url, authority) == httpx.codes.OK


@pytest.mark.parametrize("sent", [b"\x80" * 100, b"SSH-2.0-client\r\n", bytes(1000)])
def test_what_is_no_handshake_ends_its_own_connection_alone(
    sent: bytes, url: str, authority: Authority
) -> None:
    with connect(url) as client:
        client.sendall(sent)
        read_all(client)

    assert status(url, authority) == httpx.codes.OK


def test_a_handshake_that_is_not_complete_in_time_is_cut_off(files: Files, authority: Authority) -> None:
    with serving("ImpatientSecure", files) as (url, _), connect(url) as client:
        client.sendall(b"\x16")

        assert read_all(client) == b""
        eventually(lambda: is_answered(url, authority), "an answer of a server that waits for two seconds")


def test_clients_that_do_not_read_hold_no_thread(url: str, authority: Authority) -> None:
    with ExitStack() as opened:
        for _ in range(4 * THREADS):
            opened.enter_context(secure(url, authority.trusted())).sendall(REQUEST % SHORT_ANSWER_BYTES * 50)

        for _ in range(10):
            assert status(url, authority) == httpx.codes.OK


def test_a_client_that_does_not_read_is_cut_off_at_the_deadline(files: Files, authority: Authority) -> None:
    with (
        serving("ImpatientSecure", files) as (url, _),
        connect(url) as plain,
        authority.trusted().wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(REQUEST % (100 * LARGE))
        client.recv(1)
        time.sleep(1)  # ten times what it has

        received = 1 + len(read_all(client))

    assert received < 100 * LARGE


def test_a_large_answer_is_whole_and_another_request_may_follow(url: str, authority: Authority) -> None:
    with secure(url, authority.trusted()) as client:
        for size in (LARGE, 1, LARGE):
            client.sendall(REQUEST % size)

            assert answer_of(client).content == b"x" * size


@pytest.mark.parametrize("pause", [0, 0.02])
def test_a_request_may_come_in_many_records(pause: float, url: str, authority: Authority) -> None:
    with secure(url, authority.trusted()) as client:
        for _ in range(2):
            for byte in REQUEST % 2:
                time.sleep(pause)
                client.sendall(bytes([byte]))

            assert answer_of(client).content == b"xx"


def test_requests_that_are_sent_together_are_answered_in_order(url: str, authority: Authority) -> None:
    sizes = [1, 20_000, 3, 100_000, 5]
    with secure(url, authority.trusted()) as client:
        client.sendall(b"".join(REQUEST % size for size in sizes))

        assert [len(answer_of(client).content) for _ in sizes] == sizes


def test_half_of_a_record_between_two_requests_is_waited_for(url: str, authority: Authority) -> None:
    """The thread that has answered finds that there is something, and cannot read it yet."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = authority.trusted().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with connect(url) as client:

        def exchange(data: bytes) -> None:
            tls.write(data)
            record = outgoing.read()
            client.sendall(record[:7])
            time.sleep(0.05)
            client.sendall(record[7:])
            received = b""
            while b"\r\n\r\nx" not in received:
                incoming.write(client.recv(65536))
                with_more = _read(tls)
                received += with_more

        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.sendall(outgoing.read())
                incoming.write(client.recv(65536))
        client.sendall(outgoing.read())
        for _ in range(3):
            exchange(REQUEST % 1)


def _read(tls: ssl.SSLObject) -> bytes:
    try:
        return tls.read(65536)
    except ssl.SSLWantReadError:
        return b""


def test_the_end_is_told_so_that_nothing_can_be_cut_off_unseen(url: str, authority: Authority) -> None:
    with secure(url, authority.trusted()) as client:
        client.sendall(b"GET /2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

        received = b""
        while data := client.recv(65536):
            received += data
    assert received.endswith(b"\r\n\r\nxx")


def test_a_client_that_goes_back_to_plain_text_is_cut_off(url: str, authority: Authority) -> None:
    with connect(url) as plain:
        client = authority.trusted().wrap_socket(plain, server_hostname="localhost")
        with socket.socket(fileno=client.detach()) as under:
            under.settimeout(PATIENCE)
            under.sendall(REQUEST % 1)

            assert b"200 OK" not in read_all(under)
    assert status(url, authority) == httpx.codes.OK


def test_files_that_are_replaced_are_shown_to_new_connections_alone(
    authority: Authority, tmp_path: Path
) -> None:
    issuer = Authority(tmp_path, "another")
    first = authority.issue("replaced")

    def shown(url: str) -> int:
        context = ssl.create_default_context()
        context.load_verify_locations(authority.file)
        context.load_verify_locations(issuer.file)
        with secure(url, context) as client:
            return serial_of(client.getpeercert(binary_form=True))

    with serving("Secure", first) as (url, _), secure(url, authority.trusted()) as before:
        before.sendall(REQUEST % 1)
        answer_of(before)
        serials = [first.serial, shown(url)]
        second = issuer.issue("replacement")
        second.key.replace(first.key)
        second.certificate.replace(first.certificate)
        wanted = first.serial

        eventually(lambda: shown(url) == wanted, "a new connection has the new certificate")
        before.sendall(REQUEST % 2)

        assert answer_of(before).content == b"xx"
        assert serial_of(before.getpeercert(binary_form=True)) == serials[0] == serials[1] != wanted


def test_a_handshake_does_not_hold_up_the_end(files: Files) -> None:
    with serving("Secure", files) as (url, arbiter), connect(url) as client, connect(url) as other:
        client.sendall(b"\x16")
        other.sendall(REQUEST % 1)
        answer_of(other)

        arbiter.send_signal(signal.SIGTERM)

        assert arbiter.wait(PATIENCE) == 0
