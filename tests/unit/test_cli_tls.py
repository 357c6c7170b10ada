"""The client and the command line over HTTPS: whose certificates they trust."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest import CaptureFixture, MonkeyPatch

from tests.support.answers import REPORT_ID, TRACE_ID, dowork, event, jaeger, report
from tests.support.certificate_files import Authority
from tests.support.command import run_command
from tests.support.http_server import Server, serving
from waybill_client import (
    CertificateFileError,
    JaegerClient,
    RetryPolicy,
    ServerUnreachableError,
    WaybillClient,
)

SHOW = f"/api/v1/reports/{REPORT_ID}"
ONCE = RetryPolicy(attempts=1)

Waybill = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    with serving(authority.issue("server").shown()) as server:
        server.routes |= {
            f"GET {SHOW}": lambda request: request.json(report("done")),
            f"GET {SHOW}/events": lambda request: request.stream(event(1, "done")),
            f"GET /api/traces/{TRACE_ID}": lambda request: request.json(jaeger(dowork())),
        }
        yield server


@pytest.fixture
def waybill(server: Server, capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> Waybill:
    """Runs a command; answers its exit code and what it wrote to standard output and standard error."""
    monkeypatch.delenv("WAYBILL_CA_FILE", raising=False)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: str) -> tuple[int, str, str]:
        return run_command(capsys, "--api-url", server.url, "--jaeger-url", server.url, *arguments)

    return run


def test_an_authority_that_is_given_is_trusted(server: Server, authority: Authority) -> None:
    with (
        WaybillClient(server.url, ONCE, ca_file=authority.file) as client,
        JaegerClient(server.url, ONCE, ca_file=authority.file) as traces,
    ):
        assert client.show(REPORT_ID).status == "done"
        assert [seen.status for seen in client.follow(REPORT_ID)] == ["done"]
        assert traces.trace(TRACE_ID) is not None


def test_without_it_the_server_is_refused(server: Server) -> None:
    with (
        WaybillClient(server.url, ONCE) as client,
        pytest.raises(ServerUnreachableError, match="certificate verify failed"),
    ):
        client.show(REPORT_ID)


def test_another_authority_is_not_trusted(server: Server, tmp_path: Path) -> None:
    with (
        WaybillClient(server.url, ONCE, ca_file=Authority(tmp_path).file) as client,
        pytest.raises(ServerUnreachableError, match="certificate verify failed"),
    ):
        client.show(REPORT_ID)


def test_a_certificate_of_another_name_is_refused(authority: Authority) -> None:
    with (
        serving(authority.issue("elsewhere", "reports.example.com").shown()) as server,
        WaybillClient(server.url, ONCE, ca_file=authority.file) as client,
        pytest.raises(ServerUnreachableError, match=r"(?i)hostname mismatch"),
    ):
        client.show(REPORT_ID)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), (b"", "it holds no certificate"), (b"\xff\x00", "it holds no")],
)
def test_a_file_that_cannot_be_used_is_a_sentence(
    content: bytes | None, reason: str, waybill: Waybill, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(CertificateFileError, match=reason):
        WaybillClient("https://localhost", ca_file=file)
    code, _, said = waybill("--ca-file", str(file), "show", REPORT_ID)

    assert code == 2
    assert said.startswith("waybill: The file of trusted authorities, ")
    assert reason in said


def test_the_command_line_takes_it_by_an_option_or_a_variable(
    waybill: Waybill, authority: Authority, monkeypatch: MonkeyPatch
) -> None:
    code, _, said = waybill("show", REPORT_ID)
    assert code == 3
    assert "certificate verify failed" in said

    code, shown, _ = waybill("--ca-file", str(authority.file), "show", REPORT_ID)
    assert (code, "done" in shown) == (0, True)

    monkeypatch.setenv("WAYBILL_CA_FILE", str(authority.file))
    code, shown, _ = waybill("show", REPORT_ID)
    assert (code, "done" in shown) == (0, True)
    code, _, said = waybill("trace", TRACE_ID)
    assert "verify" not in said
