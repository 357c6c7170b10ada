"""What a client gets of a report: its file under any name, and one stream among many."""

from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from werkzeug.http import parse_options_header

from tests.support import lifecycle as ask
from tests.support import sse
from tests.support.lifecycle_stack import LifecycleStack
from tests.support.lifecycle_store import Store
from tests.support.problems import problem
from tests.support.waiting import eventually
from waybill.domain import NewReport, new_report_id
from waybill_client import WaybillClient

pytest_plugins = ["tests.support.lifecycle_fixtures"]

NO_STREAM = "retry: 1000\n\n"
"""What a client gets that is to come back later."""


NAMES = [
    "plain.txt",
    "Umsätze \N{EN DASH} Juli.txt",
    'a "quoted" name.txt',
    "100 % #; a?.txt",
    "レポート.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_artefact_may_have_any_name_of_a_file(
    name: str, api: httpx.Client, reports: WaybillClient, tmp_path: Path
) -> None:
    report = ask.run(api, "slow", steps=1, seconds=0, filename=name)
    assert report["status"] == "done"

    answer = api.get(report["artefact"]["href"])

    assert (answer.status_code, answer.text) == (httpx.codes.OK, "attempt 1\n")
    assert parse_options_header(answer.headers["Content-Disposition"]) == ("inline", {"filename": name})
    head = api.head(report["artefact"]["href"])
    assert (head.status_code, head.content) == (httpx.codes.OK, b"")
    its_own = {"date": "", "traceresponse": ""}
    assert {**head.headers, **its_own} == {**answer.headers, **its_own}
    part = api.get(
        report["artefact"]["href"], headers={"Range": "bytes=8-", "If-Range": head.headers["ETag"]}
    )
    assert (part.status_code, part.text) == (httpx.codes.PARTIAL_CONTENT, "1\n")
    assert api.get(report["artefact"]["href"], headers={"If-None-Match": "*"}).text == ""
    assert reports.download(reports.show(UUID(report["id"])), tmp_path).name == name


@pytest.mark.parametrize("name", ["", "..", "../up.txt", "/etc/passwd", "two\nlines.txt", "n" * 201])
def test_another_name_fails_the_report_and_says_why(name: str, api: httpx.Client) -> None:
    report = ask.run(api, "slow", steps=1, seconds=0, filename=name)

    assert (report["status"], report["attempt"]) == ("fail", 1)
    assert "for an artefact" in report["error"]["message"]


def test_an_artefact_that_retention_has_removed_is_not_there(
    api: httpx.Client, lifecycle: LifecycleStack
) -> None:
    report = ask.run(api, "slow", steps=1, seconds=0)
    (file,) = lifecycle.artefacts.glob(f"default/reports/{report['id']}/*/*")
    file.unlink()

    problem(api.get(report["artefact"]["href"]), 404, "no-artefact")


def test_a_process_keeps_threads_for_other_requests_than_streams(
    api: httpx.Client, lifecycle_store: Store
) -> None:
    source = f"test/{new_report_id()}"
    new = NewReport(new_report_id(), "slow", {"steps": 1, "seconds": 0}, None, source=source)
    report_id = lifecycle_store.ledger.accept_external(new).id  # nobody works on it: its streams stay open

    with ExitStack() as streams:
        texts = [streams.enter_context(sse.opened(api, report_id)).iter_text() for _ in range(56)]
        for text in texts:  # one that is no longer referred to closes its connection
            assert next(text).startswith(NO_STREAM)
        more = [api.get(sse.path(report_id)) for _ in range(10)]
        assert {(answer.status_code, answer.text) for answer in more} == {(httpx.codes.OK, NO_STREAM)}
        assert api.get("/healthz").status_code == httpx.codes.OK
        api.post(f"{ask.REPORTS}/{report_id}:cancel")

    told = eventually(lambda: sse.listen(api, report_id), "room for a stream again")
    assert told[-1].data["status"] == "cancelled"


@pytest.mark.parametrize(
    "content",
    ['{"anything": NaN}', '{"anything": {"\\ud800": 1}}', f'{{"anything": {"[" * 300}{"]" * 300}}}'],
)
def test_what_cannot_be_kept_as_it_came_is_refused(content: str, api: httpx.Client) -> None:
    body = f'{{"kind": "loose", "parameters": {content}}}'
    answer = api.post(ask.REPORTS, content=body, headers={"Content-Type": "application/json"})

    problem(answer, 422, "wrong-request")
