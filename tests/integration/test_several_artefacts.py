"""A report with several files: from its request to each of them, and what goes wrong on the way."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import httpx
import pytest

from tests.support import lifecycle as ask
from tests.support import sse
from tests.support.kafka import Topics
from tests.support.lifecycle_stack import NAMES, LifecycleStack
from tests.support.problems import problem
from tests.support.waiting import eventually

pytest_plugins = ["tests.support.lifecycle_fixtures"]

THREE = ["html", "pdf", "xlsx"]


def files_of(report: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(one["filename"], one["output"]) for one in report["artefacts"]]


@pytest.fixture(scope="module")
def three(api: httpx.Client) -> dict[str, Any]:
    """A report that was requested with three outputs."""
    return ask.run(api, "several", outputs=THREE)


def test_a_report_has_a_file_for_each_output_that_was_requested(
    three: dict[str, Any], api: httpx.Client
) -> None:
    assert (three["status"], three["outputs"]) == ("done", THREE)
    assert files_of(three) == [(f"report.{output}", output) for output in THREE]
    assert three["artefact"] == {**three["artefacts"][0], "href": f"{ask.REPORTS}/{three['id']}/artefact"}
    assert api.get(f"{ask.REPORTS}/{three['id']}/artefacts").json() == {"artefacts": three["artefacts"]}
    (listed,) = [one for one in api.get(ask.REPORTS).json()["reports"] if one["id"] == three["id"]]
    assert listed["artefacts"] == three["artefacts"]


def test_each_is_at_an_address_of_its_own(three: dict[str, Any], api: httpx.Client) -> None:
    for one in three["artefacts"]:
        answer = api.get(one["href"])
        head = api.head(one["href"])
        assert answer.text == f"{one['filename']} of attempt 1\n"
        assert hashlib.sha256(answer.content).hexdigest() == one["sha256"]
        assert one["filename"] in answer.headers["Content-Disposition"]
        assert (head.status_code, head.content) == (httpx.codes.OK, b"")
        assert head.headers["Content-Length"] == str(one["size"]) == str(len(answer.content))
    assert api.get(three["artefact"]["href"]).text == "report.html of attempt 1\n"


def test_another_name_is_none_of_them_and_says_which_there_are(
    three: dict[str, Any], api: httpx.Client
) -> None:
    for name in ("report.doc", "REPORT.HTML", "%2e%2e", "a%00b", "%ff", "x" * 300):
        answer = problem(api.get(f"{ask.REPORTS}/{three['id']}/artefacts/{name}"), 404, "no-such-artefact")
        assert answer["detail"].endswith("it has report.html, report.pdf, report.xlsx.")
        assert answer["report_id"] == three["id"]


def test_without_a_request_it_is_the_kinds_first(api: httpx.Client, lifecycle: LifecycleStack) -> None:
    report = ask.run(api, "several")

    assert report["outputs"] is None
    assert files_of(report) == [("report.html", "html")]
    assert len(list(lifecycle.artefacts.glob(f"default/reports/{report['id']}/*/*"))) == 1


def test_outputs_come_in_the_order_of_the_request(api: httpx.Client) -> None:
    assert files_of(ask.run(api, "several", outputs=["xlsx", "html"])) == [
        ("report.xlsx", "xlsx"),
        ("report.html", "html"),
    ]


def test_kinds_say_which_outputs_they_offer(api: httpx.Client) -> None:
    offered = {kind["name"]: kind["outputs"] for kind in api.get("/api/v1/kinds").json()["kinds"]}

    assert offered["several"] == THREE
    assert offered["dowork"] == offered["flights"] == []


def test_an_output_that_is_not_offered_is_refused_with_those_that_are(api: httpx.Client) -> None:
    answer = problem(ask.post(api, "several", outputs=["pdf", "docx"]), 422, "wrong-request")

    assert answer["errors"] == [
        {"field": "outputs.1", "message": "must be an output of several: html, pdf, xlsx"}
    ]


def test_outputs_count_in_an_idempotent_request_where_they_are_given(api: httpx.Client) -> None:
    key = f"several-{UUID(int=0)}-{ask.request(api, 'several')}"
    first = ask.post(api, "several", key=key, outputs=["pdf"]).json()

    assert ask.post(api, "several", key=key, outputs=["pdf"]).json()["id"] == first["id"]
    for other in ({"outputs": ["xlsx"]}, {}):
        problem(ask.post(api, "several", key=key, **other), 422, "key-reused")


NAMES_OF_FILES = [
    "plain.txt",
    "Ums\u00e4tze \N{EN DASH} Juli.txt",
    'a "quoted" name.txt',
    "100 % #; a?&b=c+d.txt",
    "a%2Fb%00.txt",
    "\u30ec\u30dd\u30fc\u30c8.txt",
    "back\\slash:cancel",
    "...",
    " ",
    "n" * 200,
]


def test_any_name_that_a_file_may_have_works_in_an_address(api: httpx.Client) -> None:
    report = ask.run(api, "several", names=NAMES_OF_FILES)

    assert [one["filename"] for one in report["artefacts"]] == NAMES_OF_FILES
    for one in report["artefacts"]:
        assert unquote(one["href"].rpartition("/")[2]) == one["filename"]
        answer = api.get(one["href"])
        assert (answer.status_code, answer.text) == (200, f"{one['filename']} of attempt 1\n"), one


@pytest.mark.parametrize(
    ("names", "how", "message"),
    [
        (["a.txt", "b.txt", "a.txt"], "", "two artefacts with the name 'a.txt'"),
        (["a.txt", "A.TXT"], "", "two artefacts with the name 'A.TXT'"),
        (["a.txt", "b.txt"], "outside", "must return a file in work.directory"),
        (["a.txt", "b.txt"], "missing", "where there is no file"),
        (["a.txt", "b.txt"], "nothing", "returned no artefact"),
        ([f"{number}.txt" for number in range(21)], "", "21 artefacts; 20 are the most"),
    ],
)
def test_what_cannot_be_its_files_fails_the_attempt_and_nothing_is_stored(
    names: list[str], how: str, message: str, api: httpx.Client, lifecycle: LifecycleStack
) -> None:
    report = ask.run(api, "several", names=names, how=how)

    assert (report["status"], report["artefact"], report["artefacts"]) == ("fail", None, [])
    assert message in report["error"]["message"]
    assert not list(lifecycle.artefacts.glob(f"default/reports/{report['id']}/*/*"))


def test_twenty_files_are_the_most(api: httpx.Client) -> None:
    assert len(ask.run(api, "several", names=[f"{number}.txt" for number in range(20)])["artefacts"]) == 20


def test_the_stream_and_the_topic_have_all_of_them(
    three: dict[str, Any], api: httpx.Client, topics: Topics
) -> None:
    *_, last = sse.listen(api, three["id"])
    named = [{name: value for name, value in one.items() if name != "href"} for one in three["artefacts"]]
    assert last.data["artefacts"] == named
    assert last.data["artefact"] == named[0]

    def published() -> Any:
        records = topics.records_of(NAMES.report_status, three["id"])
        return records and records[-1].json["status"] == "done" and records[-1].json

    assert eventually(published, "its end on the topic") == last.data


def test_one_file_is_in_the_stream_as_before(api: httpx.Client) -> None:
    report = ask.run(api, "slow", steps=1, seconds=0)

    *_, last = sse.listen(api, report["id"])

    assert set(last.data["artefact"]) == {"filename", "media_type", "size", "sha256"}
    assert "artefacts" not in last.data
    assert report["artefacts"] == [
        {**report["artefact"], "href": f"{ask.REPORTS}/{report['id']}/artefacts/report.txt"}
    ]


def test_a_file_that_retention_has_removed_is_not_there(api: httpx.Client, lifecycle: LifecycleStack) -> None:
    report = ask.run(api, "several", outputs=THREE)
    (file,) = lifecycle.artefacts.glob(f"default/reports/{report['id']}/*/report.pdf")
    Path(file).unlink()

    problem(api.get(report["artefacts"][1]["href"]), 404, "no-artefact")
    assert api.get(report["artefacts"][2]["href"]).status_code == httpx.codes.OK
