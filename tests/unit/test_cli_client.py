"""The client keeps trying where that is safe, says what went wrong, and resumes a broken stream."""

import hashlib
import json
import os
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.answers import REPORT_ID, event, report
from tests.support.http_server import Request, Route, Server, in_turn, serving
from waybill_client import (
    ArtefactError,
    ProblemError,
    Report,
    RetryPolicy,
    ServerUnreachableError,
    Status,
    UnexpectedAnswerError,
    WaybillClient,
)

REPORTS = "/api/v1/reports"
SHOW = f"GET {REPORTS}/{REPORT_ID}"
EVENTS = f"GET {REPORTS}/{REPORT_ID}/events"
LOGS = f"GET {REPORTS}/{REPORT_ID}/logs"
PAGE = b"<html>a page</html>"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[WaybillClient]:
    with WaybillClient(server.url, RetryPolicy(attempts=3, wait_initial=0.01)) as client:
        yield client


class TestCalls:
    def test_a_request_sends_kind_and_parameters(self, server: Server, client: WaybillClient) -> None:
        bodies = []

        def accept(request: Request) -> None:
            bodies.append(request.body)
            request.json(report("init", 1), 202)

        server.routes[f"POST {REPORTS}"] = accept

        assert client.request("flights", {"month": 2}).status is Status.INIT
        assert bodies == [{"kind": "flights", "parameters": {"month": 2}}]

    def test_a_problem_is_told_with_its_fields(self, server: Server, client: WaybillClient) -> None:
        problem = {
            "title": "The request is wrong",
            "status": 422,
            "detail": "steps is out of range",
            "errors": [
                {"field": "parameters.steps", "message": "at most 1000"},
                {"field": "x", "message": "unknown"},
            ],
            "trace_id": "f" * 32,
        }
        server.routes[f"POST {REPORTS}"] = lambda request: request.json(
            problem, 422, "application/problem+json"
        )

        with pytest.raises(ProblemError) as caught:
            client.request("dowork", {"steps": 5000})

        assert str(caught.value) == (
            "The request is wrong: steps is out of range (parameters.steps: at most 1000; x: unknown)."
        )
        assert (caught.value.status, caught.value.errors[0].field) == (422, "parameters.steps")

    def test_a_detail_that_names_the_fields_is_not_repeated(
        self, server: Server, client: WaybillClient
    ) -> None:
        errors = [{"field": "kind", "message": "too long"}]
        problem = {"title": "Wrong", "status": 422, "detail": "kind: too long", "errors": errors}
        server.routes[SHOW] = lambda request: request.json(problem, 422)

        with pytest.raises(ProblemError) as caught:
            client.show(REPORT_ID)

        assert str(caught.value) == "Wrong: kind: too long."

    def test_the_servers_own_error_comes_with_its_trace(self, server: Server, client: WaybillClient) -> None:
        problem = {"title": "Something went wrong here", "status": 500, "trace_id": "f" * 32}
        server.routes[SHOW] = lambda request: request.json(problem, 500)

        with pytest.raises(ProblemError, match=f"Its trace is {'f' * 32}"):
            client.show(REPORT_ID)

    def test_a_busy_server_is_asked_again(self, server: Server, client: WaybillClient) -> None:
        server.routes[SHOW] = in_turn(
            lambda request: request.json({"title": "Away", "status": 503}, 503, Retry_After="0"),
            lambda request: request.json(report()),
        )

        assert client.show(REPORT_ID).status is Status.PROCESSING
        assert len(server.requests) == 2

    def test_a_request_is_repeated_as_the_same_request(self, server: Server, client: WaybillClient) -> None:
        keys = []

        def answer(status: int) -> Route:
            def route(request: Request) -> None:
                keys.append(request.headers["Idempotency-Key"])
                request.json(report("init", 1) | {"title": "Later"}, status, Retry_After="0")

            return route

        server.routes[f"POST {REPORTS}"] = in_turn(answer(503), answer(409), answer(202), answer(202))

        client.request("dowork")
        client.request("dowork")

        assert keys[0] == keys[1] == keys[2] != keys[3]

    def test_a_conflict_that_stays_is_told_at_once(self, server: Server, client: WaybillClient) -> None:
        server.routes[SHOW] = lambda request: request.json({"title": "It has ended", "status": 409}, 409)

        with pytest.raises(ProblemError, match="It has ended"):
            client.show(REPORT_ID)

        assert len(server.requests) == 1

    def test_a_server_that_is_not_there_is_named(self) -> None:
        with (
            WaybillClient("http://127.0.0.1:1", RetryPolicy(attempts=2, wait_initial=0.01)) as client,
            pytest.raises(ServerUnreachableError) as caught,
        ):
            client.kinds()

        assert str(caught.value) == "Cannot reach Waybill's API at http://127.0.0.1:1: connection refused."

    @pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://x:port", ""])
    def test_an_address_that_is_none_is_refused(self, url: str) -> None:
        with pytest.raises(ServerUnreachableError), WaybillClient(url) as client:
            client.kinds()

    def test_another_server_is_recognised(self, server: Server, client: WaybillClient) -> None:
        server.routes["GET /api/v1/kinds"] = in_turn(
            lambda request: request.bytes(b"<html>", "text/html"),
            lambda request: request.json({"kinds": [{}]}),
        )

        with pytest.raises(UnexpectedAnswerError, match="text/html and not with JSON"):
            client.kinds()
        with pytest.raises(UnexpectedAnswerError, match=r"kinds\.0\.name"):
            client.kinds()

    def test_json_that_is_nested_without_an_end_is_refused(
        self, server: Server, client: WaybillClient
    ) -> None:
        deep = b"[" * 50_000
        server.routes["GET /api/v1/kinds"] = in_turn(
            lambda request: request.bytes(deep, "application/json"),
            lambda request: request.bytes(deep, "application/problem+json", 422),
        )

        with pytest.raises(UnexpectedAnswerError, match="not with JSON"):
            client.kinds()
        with pytest.raises(ProblemError, match="answered 422"):
            client.kinds()

    def test_pages_are_fetched_as_they_are_needed(self, server: Server, client: WaybillClient) -> None:
        server.routes[f"GET {REPORTS}"] = in_turn(
            lambda request: request.json({"reports": [report()] * 100, "next_cursor": "c1"}),
            lambda request: request.json({"reports": [report()] * 50, "next_cursor": "c2"}),
        )

        assert len(list(client.reports(status=Status.PROCESSING, limit=150))) == 150
        assert server.requests == [
            f"GET {REPORTS}?status=processing&limit=100",
            f"GET {REPORTS}?status=processing&limit=50&cursor=c1",
        ]

    @pytest.mark.parametrize("page", [[], [report()]], ids=["nothing on it", "the same again"])
    def test_a_list_without_an_end_is_refused(
        self, server: Server, client: WaybillClient, page: list[object]
    ) -> None:
        server.routes[f"GET {REPORTS}"] = lambda request: request.json({"reports": page, "next_cursor": "c"})

        with pytest.raises(UnexpectedAnswerError, match="has no end"):
            list(client.reports())


def test_credentials_in_the_address_are_sent_and_never_shown(server: Server) -> None:
    sent = []

    def show(request: Request) -> None:
        sent.append(request.headers["Authorization"])
        request.json({"title": "No", "status": 404}, 404, "text/plain")

    server.routes[SHOW] = show
    address = server.url.replace("://", "://me:hush@")
    with WaybillClient(address) as client, pytest.raises(ProblemError):
        client.show(REPORT_ID)
    assert sent == ["Basic " + b64encode(b"me:hush").decode()]
    assert client.url == server.url

    with (
        WaybillClient("http://me:hush@127.0.0.1:1", RetryPolicy(attempts=1)) as client,
        pytest.raises(ServerUnreachableError) as error,
    ):
        client.show(REPORT_ID)
    assert "hush" not in str(error.value)


class TestArtefact:
    @pytest.fixture(autouse=True)
    def page(self, server: Server) -> None:
        server.routes[f"GET {REPORTS}/{REPORT_ID}/artefact"] = lambda request: request.bytes(
            PAGE, "text/html"
        )

    def done(self, filename: str = "report.html", content: bytes = PAGE) -> Report:
        artefact = {
            "href": f"{REPORTS}/{REPORT_ID}/artefact",
            "filename": filename,
            "media_type": "text/html",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        return Report.model_validate(report("done", artefact=artefact))

    def test_it_goes_into_a_directory_under_its_own_name(self, client: WaybillClient, tmp_path: Path) -> None:
        assert client.download(self.done(), tmp_path) == tmp_path / "report.html"
        assert (tmp_path / "report.html").read_bytes() == PAGE

    def test_it_goes_into_the_file_that_is_named(self, client: WaybillClient, tmp_path: Path) -> None:
        assert client.download(self.done(), tmp_path / "new" / "page.html").read_bytes() == PAGE

    def test_a_name_with_a_path_stays_in_the_directory(self, client: WaybillClient, tmp_path: Path) -> None:
        assert client.download(self.done("../../evil.html"), tmp_path) == tmp_path / "evil.html"

    def test_a_wrong_checksum_leaves_no_file(self, client: WaybillClient, tmp_path: Path) -> None:
        with pytest.raises(ArtefactError, match=r"report\.html came as 19 bytes"):
            client.download(self.done(content=b"<html>another page</html>"), tmp_path)

        assert list(tmp_path.iterdir()) == []

    def test_a_pipe_is_written_to(self, client: WaybillClient, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

        assert client.download(self.done(), pipe) == pipe
        assert os.read(reader, 100) == PAGE
        assert pipe.is_fifo()
        os.close(reader)

    def test_a_link_is_written_through(self, client: WaybillClient, tmp_path: Path) -> None:
        link = tmp_path / "null"
        link.symlink_to("/dev/null")
        client.download(self.done(), link)

        assert link.is_symlink()

    def test_a_file_in_the_place_of_a_directory_leaves_nothing(
        self, client: WaybillClient, tmp_path: Path
    ) -> None:
        (tmp_path / "report.html").mkdir()
        with pytest.raises(IsADirectoryError):
            client.download(self.done(), tmp_path)

        assert list(tmp_path.iterdir()) == [tmp_path / "report.html"]

    @pytest.mark.parametrize("prefix", ["/waybill", "/api"])
    @pytest.mark.parametrize("linked", ["{}", ""], ids=["knows its prefix", "does not"])
    def test_it_is_found_behind_a_path_prefix(
        self, linked: str, prefix: str, server: Server, tmp_path: Path
    ) -> None:
        path = f"{REPORTS}/{REPORT_ID}/artefact"
        server.routes[f"GET {prefix}{path}"] = server.routes.pop(f"GET {path}")
        done = self.done()
        assert done.artefact
        artefact = done.artefact.model_copy(update={"href": linked.format(prefix) + path})

        with WaybillClient(f"{server.url}{prefix}/") as client:
            client.download(done.model_copy(update={"artefact": artefact}), tmp_path)
            assert client.artefact_url(artefact) == f"{server.url}{prefix}{path}"

        assert (tmp_path / "report.html").read_bytes() == PAGE

    def test_no_artefact_is_a_sentence(self, client: WaybillClient, tmp_path: Path) -> None:
        with pytest.raises(ArtefactError, match="has no artefact; its status is processing"):
            client.download(Report.model_validate(report()), tmp_path)


def record(line: int, attempt: int = 1, **fields: Any) -> dict[str, Any]:
    at = "2026-11-23T12:00:00.123+00:00"
    return {"attempt": attempt, "line": line, "at": at, "text": f"line {line}", **fields}


def log_event(*records: dict[str, Any]) -> str:
    return f"event: log\ndata: {json.dumps({'records': records})}\n\n"


def queried(request: Request) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.path).query))


class TestLogs:
    def test_pages_are_fetched_one_after_the_other(self, server: Server, client: WaybillClient) -> None:
        pages = {None: ([record(1), record(2)], "1:2"), "1:2": ([record(1, 2, dropped=3)], None)}

        def answer(request: Request) -> None:
            query = queried(request)
            records, following = pages[query.get("after")]
            assert (query["step"], "attempt" in query) == ("a step", False)
            request.json({"records": records, "next": following, "dropped": 0})

        server.routes[LOGS] = answer

        found = list(client.logs(REPORT_ID, step="a step", attempt=None))

        assert [(one.position, one.dropped) for one in found] == [("1:1", 0), ("1:2", 0), ("2:1", 3)]

    def test_pages_without_an_end_are_refused(self, server: Server, client: WaybillClient) -> None:
        server.routes[LOGS] = lambda request: request.json({"records": [record(1)], "next": "1:1"})

        with pytest.raises(UnexpectedAnswerError, match="no end"):
            list(client.logs(REPORT_ID))

    def test_a_broken_stream_goes_on_after_the_last_record_and_the_rest_is_fetched(
        self, server: Server, client: WaybillClient
    ) -> None:
        asked: list[str | None] = []

        def stream(request: Request) -> None:
            asked.append(queried(request).get("logs_after"))
            if len(asked) == 1:
                request.stream(event(1, "init"), log_event(record(1), record(2)), cut=True)
            else:
                request.stream(event(1, "init"), log_event(record(3)), event(2, "done"), log_event(record(4)))

        server.routes[EVENTS] = stream

        def rest(request: Request) -> None:
            asked.append(queried(request).get("after"))
            request.json({"records": [record(5)], "next": None})

        server.routes[LOGS] = rest

        assert [one.line for one in client.follow_logs(REPORT_ID)] == [1, 2, 3, 4, 5]
        assert asked == ["0:0", "1:2", "1:4"]

    def test_who_follows_events_alone_sees_no_record(self, server: Server, client: WaybillClient) -> None:
        server.routes[EVENTS] = lambda request: request.stream(log_event(record(1)), event(1, "done"))

        assert [one.version for one in client.follow(REPORT_ID)] == [1]


class TestFollow:
    def versions(self, client: WaybillClient) -> list[int]:
        return [event.version for event in client.follow(REPORT_ID)]

    def test_it_ends_with_the_event_that_ends_the_report(self, server: Server, client: WaybillClient) -> None:
        server.routes[EVENTS] = lambda request: request.stream(
            "retry: 1000\n\n",
            event(1, "init"),
            ": still here\n\n",
            event(2),
            event(3, "done"),
        )

        assert self.versions(client) == [1, 2, 3]
        assert len(server.requests) == 1

    def test_a_report_that_was_begun_anew_is_told_to_its_last_end(
        self, server: Server, client: WaybillClient
    ) -> None:
        server.routes[EVENTS] = lambda request: request.stream(
            event(1, "init"), event(2, "fail"), event(3, "init"), event(4), event(5, "done")
        )

        assert self.versions(client) == [1, 2, 3, 4, 5]

    def test_a_step_tells_its_name(self, server: Server, client: WaybillClient) -> None:
        step = {"name": "doWork:0", "status": "done", "duration_ms": 12}
        server.routes[EVENTS] = lambda request: request.stream(event(1, step=step), event(2, "done"))

        [first, _] = client.follow(REPORT_ID)
        assert first.step is not None
        assert (first.step.name, first.step.duration_ms) == ("doWork:0", 12)

    def test_a_broken_stream_is_resumed_where_it_broke(self, server: Server, client: WaybillClient) -> None:
        resumed = []

        def first(request: Request) -> None:
            resumed.append(request.headers["Last-Event-ID"])
            # breaks in the middle of the third event
            request.stream(event(1, "init"), event(2), event(3)[:40], cut=True)

        def second(request: Request) -> None:
            resumed.append(request.headers["Last-Event-ID"])
            # tells one event twice
            request.stream(event(2), event(3), event(4, "fail"))

        server.routes[EVENTS] = in_turn(first, second)

        assert self.versions(client) == [1, 2, 3, 4]
        assert resumed == [None, "2"]

    def test_a_server_that_drains_is_come_back_to(self, server: Server, client: WaybillClient) -> None:
        server.routes[EVENTS] = in_turn(
            lambda request: request.stream(event(1)),
            lambda request: request.json({"title": "Away", "status": 503}, 503, Retry_After="0"),
            lambda request: request.stream(event(2, "done")),
        )

        assert self.versions(client) == [1, 2]

    def test_a_restart_of_the_server_is_outlasted(self, server: Server, client: WaybillClient) -> None:
        def away(request: Request) -> None:
            request.json({"title": "Away", "status": 503}, 503, Retry_After="0")

        server.routes[EVENTS] = in_turn(
            lambda request: request.stream(event(1)),
            lambda request: request.stream(": draining\n\n"),
            *[away] * 5,  # more than a first call would bear
            lambda request: request.stream(event(2, "done")),
        )
        server.routes[SHOW] = in_turn(*[away] * 5, lambda request: request.json(report()))

        assert self.versions(client) == [1, 2]

    def test_a_report_whose_end_was_already_told_ends(self, server: Server, client: WaybillClient) -> None:
        server.routes[EVENTS] = lambda request: request.bytes(b"", "text/plain", 204)
        server.routes[SHOW] = lambda request: request.json(report("done", 9))

        assert [event.version for event in client.follow(REPORT_ID, after=9)] == []

    def test_an_unknown_report_is_a_problem(self, client: WaybillClient) -> None:
        with pytest.raises(ProblemError, match="There is nothing at this address"):
            self.versions(client)

    def test_another_server_is_recognised(self, server: Server, client: WaybillClient) -> None:
        server.routes[EVENTS] = lambda request: request.json({})

        with pytest.raises(UnexpectedAnswerError, match="does not answer with events of a report"):
            self.versions(client)
