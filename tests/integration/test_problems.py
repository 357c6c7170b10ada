"""Bad input gets a clear error, and changes nothing."""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from tests.support.database import Database
from tests.support.problems import problem
from tests.support.reports import run
from waybill_client import WaybillClient

REPORTS = "/api/v1/reports"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def _writes_nothing(request: pytest.FixtureRequest, database: Database) -> Iterator[None]:
    """Holds for every test here: afterwards there are as many reports as before."""
    if "client" in request.fixturenames:
        yield
        return
    before = database.count("reports")
    yield
    assert database.count("reports") == before


def post(http: httpx.Client, body: Any) -> httpx.Response:
    return http.post(REPORTS, json=body)


class TestRequests:
    def test_an_unknown_kind(self, http: httpx.Client) -> None:
        body = problem(post(http, {"kind": "nonsense"}), 422, "unknown-kind")

        assert "nonsense" in body["detail"]
        assert "dowork, flights" in body["detail"]

    @pytest.mark.parametrize(
        ("kind", "parameters", "field"),
        [
            ("dowork", {"steps": 0}, "parameters.steps"),
            ("dowork", {"steps": "many"}, "parameters.steps"),
            ("dowork", {"stepps": 3}, "parameters.stepps"),
            ("flights", {"month": 13}, "parameters.month"),
            ("flights", {"airport": "LHR"}, "parameters.airport"),
            ("flights", {"carrier": "B\0"}, "parameters.carrier"),
            ("flights", {"first_day": "2014-01-01"}, "parameters.first_day"),
            ("flights", {"month": 2, "first_day": "2013-02-01"}, "parameters"),
        ],
    )
    def test_wrong_parameters_are_named(
        self, kind: str, parameters: dict[str, Any], field: str, http: httpx.Client
    ) -> None:
        body = problem(post(http, {"kind": kind, "parameters": parameters}), 422, "wrong-request")

        (error,) = body["errors"]
        assert error["field"] == field
        assert error["message"]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"kind": None},
            {"kind": ""},
            {"kind": "x" * 101},
            {"kind": "dowork", "parameters": []},
            {"kind": "dowork", "colour": "red"},
            {"kind": "dowork", "outputs": []},
            {"kind": "dowork", "outputs": "html"},
            {"kind": "dowork", "outputs": ["HTML"]},
            {"kind": "dowork", "outputs": ["html", "html"]},
            {"kind": "dowork", "outputs": [f"o{number}" for number in range(11)]},
            [],
            "dowork",
        ],
    )
    def test_a_wrong_body(self, body: Any, http: httpx.Client) -> None:
        problem(post(http, body), 422, "wrong-request")

    def test_outputs_of_a_kind_that_has_none(self, http: httpx.Client) -> None:
        body = problem(post(http, {"kind": "dowork", "outputs": ["html"]}), 422, "wrong-request")

        assert body["detail"] == "outputs: must be left out: dowork has no outputs"

    def test_a_null_body_redrives_nothing(self, http: httpx.Client) -> None:
        answer = http.post("/api/v1/dead-letters:redrive", content=b" null ", headers=JSON)

        problem(answer, 422, "wrong-request")

    @pytest.mark.parametrize("reason", ["", "\0"])
    def test_an_empty_reason_redrives_nothing(self, reason: str, http: httpx.Client) -> None:
        answer = http.post("/api/v1/dead-letters:redrive", json={"reason": reason})

        problem(answer, 422, "wrong-request")

    @pytest.mark.parametrize("kind", ["\0", "dowork\0"])
    def test_a_nul_in_a_kind(self, kind: str, http: httpx.Client) -> None:
        problem(post(http, {"kind": kind}), 422, "unknown-kind")

    def test_half_a_letter(self, http: httpx.Client) -> None:
        problem(http.post(REPORTS, content=rb'{"kind": "\ud800"}', headers=JSON), 422, "wrong-request")

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b'{"kind": dowork}', b"\xff\xfe", b"[" * 100_000, b'{"kind":' + b"1" * 5000 + b"}"],
        ids=["empty", "cut off", "no quotes", "not text", "too deep", "too many digits"],
    )
    def test_malformed_json(self, content: bytes, http: httpx.Client) -> None:
        problem(http.post(REPORTS, content=content, headers=JSON), 400, "malformed-body")

    @pytest.mark.parametrize(
        "media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded"]
    )
    def test_another_media_type(self, media_type: str, http: httpx.Client) -> None:
        answer = http.post(REPORTS, content=b'{"kind": "dowork"}', headers={"Content-Type": media_type})

        problem(answer, 415, "wrong-media-type")

    @pytest.mark.parametrize("chunks", [b"zz\r\n", b"3\r\n{}xx\r\n", b"2;\x00=1\r\n{}\r\n"])
    def test_a_body_in_chunks_that_are_none(self, chunks: bytes, http: httpx.Client) -> None:
        address = http.base_url
        with closing(HTTPConnection(address.host, address.port or 80, timeout=30)) as connection:
            connection.putrequest("POST", REPORTS)
            connection.putheader("Transfer-Encoding", "chunked")
            connection.putheader("Content-Type", "application/json")
            connection.endheaders(chunks)
            answer = connection.getresponse()
            read = httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())

        problem(read, 400, "malformed-body")

    def test_an_oversized_body(self, http: httpx.Client) -> None:
        problem(post(http, {"kind": "dowork", "parameters": {"x": "y" * 300_000}}), 413, "body-too-large")


UNKNOWN = "019ab000-0000-7000-8000-000000000001"


class TestAddresses:
    @pytest.mark.parametrize("rest", ["", "/artefact", "/artefacts", "/artefacts/a.txt", "/events"])
    @pytest.mark.parametrize("report_id", [UNKNOWN, "7", "not-a-uuid", "%00", "x" * 2000])
    def test_an_unknown_report(self, report_id: str, rest: str, http: httpx.Client) -> None:
        problem(http.get(f"{REPORTS}/{report_id}{rest}"), 404, "no-such-report")

    def test_an_unknown_address(self, http: httpx.Client) -> None:
        answer = problem(http.get("/api/v1/nonsense"), 404, "not-found")
        assert answer["detail"] == "Check that the address is complete, and spelt as it was given."

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_a_method_that_is_not_allowed(self, method: str, http: httpx.Client) -> None:
        answer = http.request(method, REPORTS)

        detail = problem(answer, 405, "method-not-allowed")["detail"]
        assert detail.startswith(f"This address does not take {method}, only GET, HEAD")
        assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))

    @pytest.mark.parametrize(
        "query",
        ["status=asleep", "limit=0", "limit=201", "limit=x", "cursor=7", "colour=red", f"kind={'x' * 101}"],
    )
    def test_a_wrong_filter(self, query: str, http: httpx.Client) -> None:
        problem(http.get(f"{REPORTS}?{query}"), 422, "wrong-request")

    def test_a_nul_in_a_filter(self, http: httpx.Client) -> None:
        problem(http.get(f"{REPORTS}?kind=%00"), 422, "wrong-request")

    def test_an_artefact_that_is_not_there_yet(self, http: httpx.Client, client: WaybillClient) -> None:
        report = client.request("dowork", {"steps": 5, "failing_step": None})

        for rest in ("artefact", "artefacts/dowork.log"):
            answer = http.get(f"{REPORTS}/{report.id}/{rest}")
            body = problem(answer, 409, "artefact-not-ready")
            assert body["report_id"] == str(report.id)
            assert answer.headers["Retry-After"]
        assert http.get(f"{REPORTS}/{report.id}/artefacts").json() == {"artefacts": []}

    def test_an_artefact_that_will_never_be(self, http: httpx.Client, client: WaybillClient) -> None:
        nothing = {"first_day": "2013-01-01", "last_day": "2013-01-01", "carrier": "OO"}
        report = run(client, "flights", nothing)

        for rest in ("artefact", "artefacts/flights.html"):
            problem(http.get(f"{REPORTS}/{report.id}/{rest}"), 404, "no-artefact")


def test_each_sort_of_problem_explains_itself_at_its_address(http: httpx.Client) -> None:
    body = problem(post(http, {"kind": "nonsense"}), 422, "unknown-kind")

    assert http.get(body["type"]).json()["title"] == body["title"]
