"""Every command ends within the time that the user gave, and says what the server asked for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from pytest import CaptureFixture

from tests.support.answers import REPORT_ID, TRACE_ID, event, report
from tests.support.http_server import Request, Server, serving
from tests.support.stubborn_server import (
    Behaviour,
    drips_its_body,
    drips_its_head,
    falls_silent,
    silent,
    stubborn,
)
from tests.support.waiting import PATIENCE as LONG
from waybill_client import ProblemError, Report, RetryPolicy, ServerUnreachableError, WaybillClient
from waybill_client.cli import main
from waybill_client.deadline import Deadline

REPORTS = "/api/v1/reports"
PATIENCE = "0.2"
API_COMMANDS = (
    ("request", "dowork"),
    ("request", "dowork", "--follow"),
    ("follow", REPORT_ID),
    ("follow", REPORT_ID, "--json"),
    ("show", REPORT_ID),
    ("logs", REPORT_ID),
    ("logs", REPORT_ID, "--follow"),
    ("list",),
    ("cancel", REPORT_ID),
    ("retry", REPORT_ID),
    ("artefact", REPORT_ID, "-o", "-"),
    ("kinds",),
    ("dead-letters",),
    ("redrive",),
    ("keys", "list"),
    ("keys", "create", "--name", "n", "--owner", "o"),
    ("keys", "rotate", "k"),
    ("keys", "revoke", "k"),
    ("audit",),
    ("audit", "--json"),
    ("trace", REPORT_ID),
    ("demo",),
)
IDS = [" ".join(command) for command in API_COMMANDS]


def run(url: str, *arguments: str, timeout: str = PATIENCE) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["--api-url", url, "--jaeger-url", url, "--answer-timeout", timeout, *arguments])
    return int(ended.value.code or 0)


class TestHanging:
    @pytest.fixture(scope="class", params=[silent, drips_its_head, drips_its_body, falls_silent(0.1)])
    @classmethod
    def url(cls, request: pytest.FixtureRequest) -> Iterator[str]:
        behaviour: Behaviour = request.param
        with stubborn(behaviour) as url:
            yield url

    @pytest.mark.parametrize("command", API_COMMANDS, ids=IDS)
    def test_a_command_says_how_long_it_waited(
        self, url: str, capsys: CaptureFixture[str], command: tuple[str, ...]
    ) -> None:
        assert run(url, *command) == 3
        assert capsys.readouterr().err.startswith(
            f"waybill: Cannot reach Waybill's API at {url}: no whole answer within {PATIENCE} s."
        )

    def test_so_does_one_that_asks_jaeger_alone(self, url: str, capsys: CaptureFixture[str]) -> None:
        assert run(url, "trace", TRACE_ID) == 3
        assert (
            f"Cannot reach Jaeger at {url}: no whole answer within {PATIENCE} s." in capsys.readouterr().err
        )

    def test_the_variable_says_the_same(
        self, url: str, capsys: CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WAYBILL_ANSWER_TIMEOUT", "0.1")
        with pytest.raises(SystemExit):
            main(["--api-url", url, "kinds"])

        assert "within 0.1 s" in capsys.readouterr().err


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.mark.parametrize("timeout", ["inf", "1e300"])
def test_whoever_would_wait_for_ever_gets_the_answer(
    server: Server, capsys: CaptureFixture[str], timeout: str
) -> None:
    server.routes[f"GET {REPORTS}/{REPORT_ID}"] = lambda request: request.json(report("done"))

    assert run(server.url, "show", REPORT_ID, "--json", timeout=timeout) == 0
    assert REPORT_ID in capsys.readouterr().out


class TestAskedToComeLater:
    @pytest.fixture(params=["seconds", "a date"])
    def busy(self, server: Server, request: pytest.FixtureRequest) -> Server:
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True)
        header = {"seconds": "3600", "a date": later}[request.param]

        def answer(request: Request) -> None:
            problem = {"title": "The service is temporarily unavailable", "status": 503}
            request.json(problem, 503, Retry_After=header)

        for command in ("", f"/{REPORT_ID}", f"/{REPORT_ID}/events", f"/{REPORT_ID}/logs"):
            server.routes[f"GET {REPORTS}{command}"] = answer
        server.routes |= {
            f"POST {REPORTS}": answer,
            f"POST {REPORTS}/{REPORT_ID}:cancel": answer,
            f"POST {REPORTS}/{REPORT_ID}:retry": answer,
            "GET /api/v1/kinds": answer,
            "GET /api/v1/dead-letters": answer,
            "POST /api/v1/dead-letters:redrive": answer,
            "GET /api/v1/keys": answer,
            "POST /api/v1/keys": answer,
            "POST /api/v1/keys/k:rotate": answer,
            "POST /api/v1/keys/k:revoke": answer,
            "GET /api/v1/audit": answer,
        }
        return server

    @pytest.mark.parametrize("command", API_COMMANDS, ids=IDS)
    def test_a_command_says_so_and_does_not_wait(
        self, busy: Server, capsys: CaptureFixture[str], command: tuple[str, ...]
    ) -> None:
        assert run(busy.url, *command, timeout="60") == 3
        error = capsys.readouterr().err
        assert "The service is temporarily unavailable. It asks to be called again in 3" in error
        assert len(busy.requests) == 1

    def test_a_short_wait_is_waited_for(self, server: Server) -> None:
        answers = iter([503, 200])

        def answer(request: Request) -> None:
            request.json({"title": "Away"} | report(), next(answers), Retry_After="1")

        server.routes[f"GET {REPORTS}/{REPORT_ID}"] = answer
        with WaybillClient(server.url) as client:
            assert str(client.show(REPORT_ID).id) == REPORT_ID

    def test_the_error_has_the_seconds(self, busy: Server) -> None:
        with WaybillClient(busy.url) as client, pytest.raises(ProblemError) as caught:
            client.kinds()

        assert caught.value.retry_after == pytest.approx(3600, abs=60)


class TestStreams:
    EVENTS = f"GET {REPORTS}/{REPORT_ID}/events"
    SHOW = f"GET {REPORTS}/{REPORT_ID}"

    @pytest.fixture
    def client(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[WaybillClient]:
        """Waits long for every answer, and for silent streams alone hardly at all."""
        live = Deadline.live
        monkeypatch.setattr(Deadline, "live", lambda _, response: live(Deadline.after(0.1), response))
        with WaybillClient(server.url, RetryPolicy(wait_initial=0.01), timeout=LONG) as client:
            yield client

    def test_one_that_withholds_what_happens_ends(self, server: Server, client: WaybillClient) -> None:
        server.routes[self.SHOW] = lambda request: request.json(report("processing", 7))
        server.routes[self.EVENTS] = silent_stream

        with pytest.raises(ServerUnreachableError, match="no whole answer within"):
            list(client.follow(REPORT_ID))

        assert server.requests.count(self.EVENTS) == 2

    def test_one_with_nothing_to_tell_goes_on(self, server: Server, client: WaybillClient) -> None:
        streams = iter([event(1), None, None, None, event(2, "done")])
        server.routes[self.SHOW] = lambda request: request.json(report("processing", 1))

        def stream(request: Request) -> None:
            text = next(streams)
            silent_stream(request) if text is None else request.stream(text)

        server.routes[self.EVENTS] = stream

        assert [event.version for event in client.follow(REPORT_ID)] == [1, 2]


def silent_stream(request: Request) -> None:
    """Until the client goes away."""
    request.send_response(200)
    request.send_header("Content-Type", "text/event-stream")
    request.end_headers()
    request.wfile.flush()
    request.connection.settimeout(LONG)
    request.rfile.read(1)
    request.close_connection = True


def test_a_file_that_drips_in_is_given_up(tmp_path: Path) -> None:
    artefact = {"filename": "report.html", "media_type": "text/html", "size": 1_000_000, "sha256": "0" * 64}
    done = Report.model_validate(report("done", artefact={**artefact, "href": "/file"}))

    with (
        stubborn(drips_its_body) as url,
        WaybillClient(url, timeout=0.5) as client,
        pytest.raises(ServerUnreachableError, match=r"no whole answer within 0\.5 s"),
    ):
        client.download(done, tmp_path)

    assert list(tmp_path.iterdir()) == []
