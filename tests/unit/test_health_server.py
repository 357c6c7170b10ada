"""The probes' own listener: whatever its clients do, a probe is answered."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from threading import Event

import httpx
import pytest
from hypothesis import HealthCheck as Checks
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.waiting import PATIENCE, eventually
from waybill.addresses import Address, CannotListen, NotAnAddress, listen
from waybill.health import Check, Health, HealthServer, ProbePolicy

POLICY = ProbePolicy(request=timedelta(seconds=0.5), max_connections=8)
GOOD = Health({"database": "ok"})

Serve = Callable[..., HealthServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as running:

        def serve(
            ready: Check = lambda: GOOD, alive: Check = lambda: GOOD, policy: ProbePolicy = POLICY
        ) -> HealthServer:
            server = HealthServer(listen("127.0.0.1:0"), alive, ready, policy)
            server.start()
            running.callback(server.stop)
            return server

        yield serve


def get(server: HealthServer, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{server.address[1]}{path}", timeout=PATIENCE, trust_env=False)


@pytest.mark.parametrize(
    ("health", "status", "document"),
    [
        (Health({}), 200, {"status": "ok", "missing": [], "parts": {}}),
        (Health({"a": "down"}), 503, {"status": "unavailable", "missing": ["a"], "parts": {"a": "down"}}),
        (
            Health({"a": "down", "b": "ok"}, optional=frozenset({"a"})),
            200,
            {"status": "degraded", "missing": ["a"], "parts": {"a": "down", "b": "ok"}},
        ),
    ],
)
def test_the_answer_names_what_is_missing(
    health: Health, status: int, document: object, serve: Serve
) -> None:
    answer = get(serve(ready=lambda: health), "/readyz")

    assert answer.status_code == status
    assert answer.json() == document


def test_connections_are_bounded_and_the_newest_is_answered(serve: Serve) -> None:
    server = serve(policy=ProbePolicy(request=timedelta(hours=1), max_connections=8))
    with ExitStack() as opened:
        for _ in range(400):
            opened.enter_context(socket.create_connection(server.address)).sendall(b"G")

        assert get(server, "/healthz").status_code == 200
        assert server.connections <= 8


def test_a_client_that_does_not_finish_is_cut_off(serve: Serve) -> None:
    server = serve()
    with socket.create_connection(server.address, timeout=PATIENCE) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")

        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    eventually(lambda: server.connections == 0 or None, "the connection is closed")


def test_those_who_ask_at_once_share_one_check(serve: Serve) -> None:
    asked, answer = [], Event()

    def slow() -> Health:
        asked.append(1)
        answer.wait(PATIENCE)
        return GOOD

    server = serve(ready=slow)
    with ExitStack() as opened:
        connections = [
            opened.enter_context(socket.create_connection(server.address, timeout=PATIENCE)) for _ in range(5)
        ]
        for connection in connections:
            connection.sendall(b"GET /readyz HTTP/1.1\r\n\r\n")
        eventually(lambda: server.connections == 5 or None, "all are open")
        assert get(server, "/healthz").status_code == 200  # a slow check holds up no other
        answer.set()

        assert all(connection.recv(12) == b"HTTP/1.1 200" for connection in connections)
    assert len(asked) == 1


def test_a_check_that_breaks_is_a_failed_probe(serve: Serve) -> None:
    def broken() -> Health:
        raise RuntimeError("password=secret")

    answer = get(serve(ready=broken), "/readyz")

    assert answer.status_code == 503
    assert "secret" not in answer.text


@settings(max_examples=50, deadline=None, suppress_health_check=[Checks.function_scoped_fixture])
@given(sent=st.binary(max_size=6000))
def test_no_bytes_stop_it(sent: bytes, serve: Serve) -> None:
    server = serve()
    with socket.create_connection(server.address) as connection:
        connection.sendall(sent)

    assert get(server, "/healthz").status_code == 200


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "host", "port"),
        [
            ("10.0.0.1:8080", "10.0.0.1", 8080),
            ("[::]:8081", "::", 8081),
            ("[2001:db8::1]:1", "2001:db8::1", 1),
            ("localhost:0", "localhost", 0),
            (":8080", "", 8080),
        ],
    )
    def test_either_version_is_read(self, text: str, host: str, port: int) -> None:
        assert Address.parse(text) == Address(host, port)

    @pytest.mark.parametrize("text", ["[\t]:8081", "a b:8081", "a\0:1", "[ ::1]:1", "\x1b[2Ja:1"])
    def test_a_host_with_spaces_or_control_characters_is_none(self, text: str) -> None:
        with pytest.raises(NotAnAddress, match="spaces or control characters"):
            Address.parse(text)

    @given(st.text(max_size=30))
    @example(f"localhost:{'9' * 5000}")
    @example("localhost:٣")
    def test_any_other_text_is_refused(self, text: str) -> None:
        try:
            address = Address.parse(text)
        except NotAnAddress:
            return
        assert 0 <= address.port < 65536
        assert ":" not in address.host or f"[{address.host}]" in text

    @pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
    def test_ipv6_is_listened_at(self) -> None:
        with listen("[::1]:0") as listener:
            assert listener.getsockname()[0] == "::1"

    def test_an_address_that_is_taken_is_said_in_a_sentence(self) -> None:
        with listen("127.0.0.1:0") as listener:
            port = listener.getsockname()[1]
            with pytest.raises(
                CannotListen, match=f"Cannot listen at 127.0.0.1:{port}: Address already in use"
            ):
                listen(f"127.0.0.1:{port}")

    def test_a_host_that_is_no_name_is_said_in_a_sentence(self) -> None:
        with pytest.raises(CannotListen, match="its host is no name that can be looked up"):
            listen(f"{'a' * 64}.test:0")


def start_and_fail(
    service: str, directory: Path, health: str, **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Its end, at an address for its probes that is taken."""
    environment = {
        "WAYBILL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "WAYBILL_ARTEFACT_URL": directory.as_uri(),
        "WAYBILL_LISTEN": "127.0.0.1:0",
        "WAYBILL_HEALTH_LISTEN": health,
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
        **settings,
    }
    return subprocess.run(
        [Path(sys.executable).parent / service],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("service", ["producer-api", "report-worker"])
def test_a_service_whose_port_is_taken_says_so_in_a_sentence(service: str, tmp_path: Path) -> None:
    with listen("127.0.0.1:0") as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        answer = start_and_fail(service, tmp_path, address)

    sentence = f"{service}: WAYBILL_HEALTH_LISTEN: Cannot listen at {address}: Address already in use."
    assert answer.returncode == 1
    assert sentence in answer.stderr.splitlines()
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("settings", "warns"),
    [
        ({"WAYBILL_LISTEN": "0.0.0.0:0"}, True),
        ({"WAYBILL_LISTEN": "[::]:0"}, True),
        ({"WAYBILL_LISTEN": "127.0.0.1:0"}, False),
        ({"WAYBILL_LISTEN": "0.0.0.0:0", "WAYBILL_AUTH": "key"}, False),
    ],
    ids=["every address", "every address of IPv6", "loopback", "with credentials"],
)
def test_an_api_that_is_open_to_all_says_so(settings: dict[str, str], warns: bool, tmp_path: Path) -> None:
    with listen("127.0.0.1:0") as listener:
        answer = start_and_fail(
            "producer-api", tmp_path, f"127.0.0.1:{listener.getsockname()[1]}", **settings
        )

    warned = [line for line in answer.stderr.splitlines() if "no credential is needed" in line]
    assert [json.loads(line)["level"] for line in warned] == ["warning"] * warns
