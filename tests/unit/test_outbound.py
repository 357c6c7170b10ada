"""Calls to servers that clients name: to listed hosts alone, at addresses that were checked."""

import socket
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tests.support.certificate_files import Authority
from tests.support.http_server import Request, Server, serving
from waybill.outbound import (
    AllowedHost,
    NotAHost,
    NotANetwork,
    OutboundPolicy,
    OutboundRefused,
    OutboundTimeout,
    outbound_client,
    read_at_most,
)
from waybill.outbound.networks import may_connect, parse_network

LOOPBACK = ["127.0.0.0/8", "::1"]


def policy(*hosts: str, private: Sequence[str] = ()) -> OutboundPolicy:
    return OutboundPolicy.parse(
        hosts, private, hosts_setting="WAYBILL_X_HOSTS", networks_setting="WAYBILL_X_NETWORKS"
    )


def answer(request: Request) -> None:
    request.json({"host": request.headers["Host"], "encoding": request.headers["Accept-Encoding"]})


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        started.routes["GET /"] = answer
        yield started


# --- which hosts


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("example.com", "https://example.com/hook?x=1"),
        ("example.com", "https://EXAMPLE.com:443/"),
        ("Example.COM", "https://example.com"),
        ("example.com:8443", "https://example.com:8443/"),
        ("*.example.com", "https://a.b.example.com/"),
        ("*", "https://anything.example/"),
        ("http://receiver:8080", "http://receiver:8080/"),
        ("http://receiver", "http://receiver/"),
        ("https://example.com", "https://example.com/"),
        ("10.0.0.1:8443", "https://10.0.0.1:8443/"),
        ("[2001:db8:0::1]", "https://[2001:db8::1]/"),
        ("xn--mnchen-3ya.example", "https://münchen.example/"),
    ],
)
def test_a_listed_host_is_allowed(entry: str, url: str) -> None:
    assert policy(entry).check(url).host


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("example.com", "http://example.com/"),
        ("example.com", "https://example.com:8443/"),
        ("example.com", "https://example.com:0/"),
        ("example.com", "https://example.com./"),
        ("example.com", "https://example.com.evil.test/"),
        ("example.com", "https://evilexample.com/"),
        ("example.com", "https://www.example.com/"),
        ("*.example.com", "https://example.com/"),
        ("*.example.com", "https://evilexample.com/"),
        ("*", "https://10.0.0.1/"),
        ("*", "https://[::1]/"),
        ("*", "http://example.com/"),
        ("http://receiver:8080", "https://receiver:8080/"),
        ("example.com", "https://evil.test\\@example.com/"),
        ("example.com", "https://evil.test#@example.com/"),
        ("example.com", "https://evil.test/?@example.com/"),
        ("example.com", "ftp://example.com/"),
        ("example.com", "file:///etc/passwd"),
        ("example.com", "//example.com/"),
        ("example.com", "example.com"),
        ("example.com", ""),
        ("example.com", "https://"),
        ("example.com", "https://exa\nmple.com/"),
        ("example.com", "https://[::1/"),
        ("example.com", "https://example.com:99999/"),
        ("*.example.com", f"https://{'a.' * 130}example.com/"),
    ],
)
def test_any_other_is_refused(entry: str, url: str) -> None:
    with pytest.raises(OutboundRefused):
        policy(entry).check(url)


def test_a_refusal_says_what_to_do_and_nothing_of_the_rest_of_the_url() -> None:
    with pytest.raises(OutboundRefused, match="WAYBILL_X_HOSTS does not list it") as refused:
        policy("example.com").check("https://other.test/s3cret?token=s3cret")
    assert "https://other.test" in str(refused.value)
    assert "s3cret" not in str(refused.value)

    with pytest.raises(OutboundRefused, match="no user or password") as refused:
        policy("example.com").check("https://u:s3cret@example.com/")
    assert "s3cret" not in str(refused.value)


def test_without_hosts_nothing_is_allowed() -> None:
    assert OutboundPolicy().allows_nothing
    with pytest.raises(OutboundRefused):
        OutboundPolicy().check("https://example.com/")


@pytest.mark.parametrize(
    "text",
    [
        *("", "a b", "ftp://example.com", "example.com/path", "example.com:0", "example.com:65536"),
        *("*example.com", "a.*.com", "u@example.com", "[::1", "[fe80]", "münchen.example", "https://"),
    ],
)
def test_what_is_no_host_is_not_listed(text: str) -> None:
    with pytest.raises(NotAHost):
        AllowedHost.parse(text)


# --- which addresses


@pytest.mark.parametrize(
    "address",
    [
        *(
            "0.0.0.0",  # noqa: S104 - it is refused
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.1.2.3",
            "169.254.169.254",
        ),
        *("172.16.0.1", "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.18.0.1", "224.0.0.1"),
        *("239.255.255.255", "240.0.0.1", "255.255.255.255", "192.0.2.1", "203.0.113.1"),
        *(
            "::",
            "::1",
            "::127.0.0.1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fe80::1%1",
            "fec0::1",
            "ff02::1",
        ),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1"),
        *(
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001::1",
            "2001:db8::1",
        ),
        *("3fff::1", "4000::1"),
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not may_connect(address, ())


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"],
)
def test_a_public_address_is_not(address: str) -> None:
    assert may_connect(address, ())


def test_a_private_network_is_reached_where_it_is_listed() -> None:
    listed = [parse_network("10.1.0.0/16"), parse_network("fd00::/8")]

    assert may_connect("10.1.2.3", listed)
    assert may_connect("::ffff:10.1.2.3", listed)
    assert may_connect("fd12::1", listed)
    assert not may_connect("10.2.0.1", listed)
    assert not may_connect("127.0.0.1", listed)


@pytest.mark.parametrize("text", ["", "0.0.0.0/0", "::/0", "10.0.0.0/7", "10.0.0.1/8", "localhost"])
def test_what_lets_everything_in_is_not_listed(text: str) -> None:
    with pytest.raises(NotANetwork):
        parse_network(text)


# --- calls


def test_a_call_to_a_listed_host_is_answered(server: Server) -> None:
    allowed = policy(f"http://127.0.0.1:{server.server_port}", private=LOOPBACK)

    with outbound_client(allowed) as client:
        got = client.get(f"{server.url}/")

    assert got.json() == {"host": f"127.0.0.1:{server.server_port}", "encoding": "identity"}


def test_a_listed_name_on_loopback_is_refused_unless_that_is_listed(server: Server) -> None:
    """By the system's resolver."""
    allowed = policy(f"http://localhost:{server.server_port}")

    with (
        outbound_client(allowed) as client,
        pytest.raises(OutboundRefused, match="WAYBILL_X_NETWORKS") as refused,
    ):
        client.get(f"http://localhost:{server.server_port}/")

    assert "127.0.0.1" not in str(refused.value)
    assert server.requests == []


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(server: Server) -> None:
    """A name that means a public address when it is checked and loopback the next time."""
    answers = [["192.0.2.7"], ["127.0.0.1"]]
    allowed = policy(f"http://rebinding.test:{server.server_port}", private=["192.0.2.0/24"])
    timeout = OutboundTimeout(timedelta(seconds=0.2), timedelta(seconds=0.2))

    with outbound_client(allowed, timeout, resolver=lambda *_: answers.pop(0)) as client:
        with pytest.raises((httpx.ConnectError, httpx.ConnectTimeout)):
            client.get(f"http://rebinding.test:{server.server_port}/")
        assert len(answers) == 1
        with pytest.raises(OutboundRefused):  # and it is checked again
            client.get(f"http://rebinding.test:{server.server_port}/")

    assert server.requests == []


def test_of_several_addresses_the_refused_are_left_out(server: Server) -> None:
    tried = ["10.9.9.9", "::1", "127.0.0.1"]
    allowed = policy(f"http://several.test:{server.server_port}", private=LOOPBACK)

    with outbound_client(allowed, resolver=lambda *_: tried) as client:
        got = client.get(f"http://several.test:{server.server_port}/")

    assert got.json()["host"] == f"several.test:{server.server_port}"


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.routes["GET /away"] = lambda request: request.bytes(b"", "text/plain", 302, Location="/")
    allowed = policy(f"http://127.0.0.1:{server.server_port}", private=LOOPBACK)

    with outbound_client(allowed) as client:
        got = client.get(f"{server.url}/away")

    assert (got.status_code, server.requests) == (302, ["GET /away"])


def test_a_redirect_that_a_caller_follows_is_checked(server: Server) -> None:
    port = server.server_port
    away = f"http://localhost:{port}/"
    server.routes["GET /away"] = lambda request: request.bytes(b"", "text/plain", 302, Location=away)

    with (
        outbound_client(policy(f"http://127.0.0.1:{port}", private=LOOPBACK)) as client,
        pytest.raises(OutboundRefused, match="localhost"),
    ):
        client.get(f"{server.url}/away", follow_redirects=True)


def test_a_proxy_of_the_environment_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    allowed = policy(f"http://127.0.0.1:{server.server_port}", private=LOOPBACK)

    with outbound_client(allowed) as client:
        assert client.get(f"{server.url}/").is_success


# --- TLS


def test_tls_verifies_the_name_and_not_the_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(authority.issue("server", "receiver.test").shown()) as server:
        server.routes["GET /"] = answer
        port = server.server_port
        allowed = policy(f"receiver.test:{port}", f"other.test:{port}", private=LOOPBACK)

        with outbound_client(allowed, tls=authority.trusted(), resolver=lambda *_: ["127.0.0.1"]) as client:
            assert client.get(f"https://receiver.test:{port}/").json()["host"] == f"receiver.test:{port}"
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                client.get(f"https://other.test:{port}/")


def test_an_unknown_authority_is_not_trusted(tmp_path: Path) -> None:
    with serving(Authority(tmp_path).issue("server").shown()) as server:
        allowed = policy(f"127.0.0.1:{server.server_port}", private=LOOPBACK)

        with outbound_client(allowed) as client, pytest.raises(httpx.ConnectError, match="certificate"):
            client.get(f"https://127.0.0.1:{server.server_port}/")


# --- how long, and how much


def test_a_server_that_sends_a_little_all_the_time_is_left_at_the_deadline() -> None:
    """Each byte is in time, as a read's own time-out has it; all of them are not."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
                    connection.sendall(bytes([byte]))
                    time.sleep(0.02)
            except OSError:
                return

    dripping = Thread(target=drip)
    dripping.start()
    port = listener.getsockname()[1]
    timeout = OutboundTimeout(timedelta(seconds=5), timedelta(seconds=0.3))

    with listener, outbound_client(policy(f"http://127.0.0.1:{port}", private=LOOPBACK), timeout) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"http://127.0.0.1:{port}/")
        dripping.join()


def test_a_name_that_is_not_looked_up_in_time_is_left() -> None:
    timeout = OutboundTimeout(timedelta(seconds=0.1), timedelta(seconds=1))

    def never(*_: object) -> list[str]:
        time.sleep(2)
        return ["127.0.0.1"]

    with (
        outbound_client(policy("slow.test"), timeout, resolver=never) as client,
        pytest.raises(httpx.ConnectTimeout),
    ):
        client.get("https://slow.test/")


def test_a_name_that_cannot_be_looked_up_is_an_error_of_the_connection() -> None:
    def fails(*_: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with (
        outbound_client(policy("none.test"), resolver=fails) as client,
        pytest.raises(httpx.ConnectError, match="cannot be looked up: Name or service not known"),
    ):
        client.get("https://none.test/")


def test_no_more_of_a_body_is_read_than_is_wanted(server: Server) -> None:
    def endless(request: Request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(10**12))
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"x" * 65536)
        except OSError:
            request.close_connection = True

    server.routes["GET /endless"] = endless
    allowed = policy(f"http://127.0.0.1:{server.server_port}", private=LOOPBACK)

    with outbound_client(allowed) as client, client.stream("GET", f"{server.url}/endless") as got:
        assert read_at_most(got, 4096) == b"x" * 4096
