"""The API answers as its OpenAPI description says, whatever it is asked."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from sqlalchemy import text

from local.stack import Stack
from producer_api.finding import ReportQuery
from tests.support.access import access, listening
from tests.support.database import Database
from tests.support.lifecycle_store import engine_of
from tests.support.waiting import PATIENCE
from waybill.domain import Report, Role

pytest_plugins = ["tests.support.lifecycle_fixtures"]

PATH = "/api/v1/openapi.json"
ONE = "/api/v1/reports/{report_id}"
LIMITS = "/api/v1/limits"
SETS = "/api/v1/kinds/{kind}/parameter-sets"

CAN_BE_WRONG = [
    ("POST", "/api/v1/reports"),
    ("GET", "/api/v1/reports"),
    ("GET", f"{ONE}/events"),
    ("GET", f"{ONE}/logs"),
    ("GET", "/api/v1/dead-letters"),
    ("POST", "/api/v1/dead-letters:redrive"),
    ("GET", "/api/v1/audit"),
    ("PUT", LIMITS),
    ("PUT", f"{SETS}/{{name}}"),
    ("DELETE", LIMITS),
    ("GET", f"{LIMITS}/usage"),
    ("POST", f"{ONE}:retry"),
    ("POST", "/api/v1/operations"),
]
TAKE_ANY_ID = [
    ("GET", ONE),
    ("GET", f"{ONE}/artefact"),
    ("GET", f"{ONE}/artefacts"),
    ("GET", f"{ONE}/artefacts/{{filename}}"),
    ("GET", f"{ONE}/artefacts/{{filename}}/preview"),
    ("GET", f"{ONE}/trace"),
    ("POST", f"{ONE}:cancel"),
    ("DELETE", ONE),
    ("GET", "/api/v1/operations/{operation_id}"),
]
TAKE_NOTHING = [("GET", "/api/v1/kinds"), ("GET", "/api/report"), ("GET", LIMITS)]
OF_KEYS = [
    ("GET", "/api/v1/keys"),
    ("POST", "/api/v1/keys"),
    ("POST", "/api/v1/keys/{key_id}:rotate"),
    ("POST", "/api/v1/keys/{key_id}:revoke"),
]
OF_KINDS = [("POST", f"/api/v1/kinds/{{kind}}:{what}") for what in ("pause", "limit", "resume")]
OF_SETS = [
    ("GET", "/api/v1/kinds/{kind}/choices"),
    ("GET", SETS),
    ("GET", f"{SETS}/{{name}}"),
    ("DELETE", f"{SETS}/{{name}}"),
]
OPERATIONS = CAN_BE_WRONG + TAKE_ANY_ID + TAKE_NOTHING + OF_KEYS + OF_KINDS + OF_SETS

# Which kinds there are, and what parameters each takes, is not for this description: so a request may fit it
# and be refused.
NOT_CHECKED = [positive_data_acceptance]

load_all_checks()

CASES = int(os.environ.get("WAYBILL_API_CASES", "20"))
"""Of each operation and each way."""

bounded = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="session")
def described(stack: Stack) -> BaseSchema:
    return schemathesis.openapi.from_url(f"{stack.endpoints.api_url}{PATH}")


@pytest.fixture(autouse=True)
def _without_limits(database: Database, store_url: str) -> Iterator[None]:
    """Those that a test has set would hold for all tests that follow."""
    yield
    with engine_of(store_url) as engine:
        for one in (database.engine, engine):
            with one.begin() as connection:
                connection.execute(text("DELETE FROM limits"))
                connection.execute(text("DELETE FROM kind_limits"))


@dataclass(frozen=True)
class Guarded:
    """The description of an API that needs credentials, and those of an admin and of a requester, who has a
    report with a file."""

    described: BaseSchema
    people: Mapping[str, Mapping[str, str]]
    done: Report


@pytest.fixture(scope="module")
def guarded(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with (
        access(store_url, tmp_path_factory.mktemp("access")) as api,
        listening(api.client.application) as url,
    ):
        root = api.person("root", "default", Role.ADMIN)
        people = {"admin": root.headers, "requester": api.ann.headers, "nobody known": {}}
        done = api.done(api.ann, tmp_path_factory.mktemp("produced"))
        yield Guarded(schemathesis.openapi.from_url(f"{url}{PATH}"), people, done)


def check_answers(
    described: BaseSchema,
    method: str,
    path: str,
    mode: GenerationMode,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> None:
    operation = described[path][method]

    @bounded
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        answer = case.call(timeout=PATIENCE, headers=dict(headers))
        if answer.status_code != httpx.codes.REQUEST_URI_TOO_LONG:  # HTTP's limit: the API has not seen it
            case.validate_response(
                answer, excluded_checks=[*NOT_CHECKED, *_not_checked(method, path, str(answer.request.url))]
            )

    check()


def _not_checked(method: str, path: str, sent: str) -> Sequence[Any]:
    """Of the list's query, a member of `parameter` with a wrong name is sent under that name, or not at all.
    Where it is that of another parameter of the query, all is right. `sent`: the URL."""
    names = {name for name, _ in parse_qsl(urlsplit(sent).query, keep_blank_values=True)}
    is_right = all(name in ReportQuery.model_fields or name.startswith("parameter.") for name in names)
    return [negative_data_rejection] if (method, path) == ("GET", "/api/v1/reports") and is_right else []


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_request_that_fits_is_answered_as_described(described: BaseSchema, method: str, path: str) -> None:
    check_answers(described, method, path, GenerationMode.POSITIVE)


@pytest.mark.parametrize(("method", "path"), CAN_BE_WRONG)
def test_a_request_that_does_not_fit_is_refused_as_described(
    described: BaseSchema, method: str, path: str
) -> None:
    check_answers(described, method, path, GenerationMode.NEGATIVE)


@pytest.mark.parametrize("who", ["admin", "requester", "nobody known"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_with_credentials_it_is_answered_as_described(
    guarded: Guarded, method: str, path: str, who: str
) -> None:
    check_answers(guarded.described, method, path, GenerationMode.POSITIVE, guarded.people[who])


@pytest.mark.parametrize(("method", "path"), CAN_BE_WRONG + OF_KEYS[1:2])
def test_what_does_not_fit_is_refused_as_described_with_credentials_too(
    guarded: Guarded, method: str, path: str
) -> None:
    check_answers(guarded.described, method, path, GenerationMode.NEGATIVE, guarded.people["admin"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Range": "bytes=1-2"}, 206),
        ({"If-None-Match": "*"}, 304),
        ({"If-Match": '"another"'}, 412),
        ({"Range": "bytes=1000-"}, 416),
    ],
)
def test_a_file_is_answered_as_described(guarded: Guarded, headers: Mapping[str, str], status: int) -> None:
    case = guarded.described[f"{ONE}/artefact"]["GET"].Case(
        path_parameters={"report_id": str(guarded.done.id)}
    )

    answer = case.call(timeout=PATIENCE, headers={**guarded.people["requester"], **headers})

    assert answer.status_code == status
    described = guarded.described.raw_schema["paths"][f"{ONE}/artefact"]["get"]["responses"][str(status)]
    for name in described.get("headers", ()):
        assert name.lower() in answer.headers
    case.validate_response(answer)


def test_every_operation_is_tried(http: httpx.Client) -> None:
    paths = http.get(PATH).json()["paths"]

    described = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert described == set(OPERATIONS)


def test_a_method_that_is_none_is_refused(http: httpx.Client) -> None:
    for path in http.get(PATH).json()["paths"]:
        answer = http.request("PATCH", path.replace("{report_id}", "x"))
        assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED, path
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Allow"]


def test_every_reference_of_the_description_leads_somewhere(http: httpx.Client) -> None:
    description = http.get(PATH).json()
    references = {part.split('"')[0] for part in json.dumps(description).split('"$ref": "')[1:]}

    assert references
    for reference in references:
        place: Any = description
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]
        assert place


def test_every_operation_says_how_it_refuses(http: httpx.Client) -> None:
    for path, operations in http.get(PATH).json()["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            refusals = {status: answer for status, answer in answers.items() if status >= "400"}
            assert "503" in refusals, (method, path)
            for status, answer in refusals.items():
                assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
                assert answer["description"], (method, path, status)
            if "{report_id}" in path:
                assert "404" in refusals, (method, path)
