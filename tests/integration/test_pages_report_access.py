"""One report's page and what it can do, asked by those who may and those who may not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.support.access import HERS, Access, Person, access
from tests.support.lifecycle_store import Store
from waybill.domain import Actor, Role

pytest_plugins = ["tests.support.lifecycle_fixtures"]

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    _ = store
    with access(store_url, tmp_path) as opened:
        yield opened


def sends(api: Access, who: Person, address: str, headers: dict[str, str] | None = None) -> TestResponse:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return api.client.post(address, headers={**who.headers, **form, **(OURS if headers is None else headers)})


def sees(api: Access, who: Person, address: str) -> TestResponse:
    return api.client.get(address, headers={**who.headers, "Accept": "text/html"})


def test_others_find_nothing_and_change_nothing(api: Access, tmp_path: Path) -> None:
    done, failed = api.done(api.ann, tmp_path), api.failed(api.ann)
    bob = api.person("bob", HERS, Role.REQUESTER)

    assert sees(api, bob, f"/reports/{done.id}").status_code == 404
    assert sees(api, bob, f"/reports/{done.id}/files/report.txt").status_code == 404
    for what in ("cancel", "retry", "rerun"):
        assert sends(api, bob, f"/reports/{failed.id}/{what}").status_code == 404
    assert api.services.ledger.get(failed.id) == failed


def test_an_auditor_sees_who_did_what_and_no_button(api: Access, tmp_path: Path) -> None:
    report = api.done(api.ann, tmp_path)
    sees(api, api.ann, f"/reports/{report.id}")
    auditor = api.person("al", HERS, Role.AUDITOR)

    seen = sees(api, auditor, f"/reports/{report.id}").text

    assert "Who did what" in seen
    assert "<b>ann</b> request" in seen
    assert "<b>ann</b> download" in seen, "a preview of the text is one"
    assert "Run again" not in seen
    assert sends(api, auditor, f"/reports/{report.id}/rerun").status_code == 403
    assert "Who did what" not in sees(api, api.ann, f"/reports/{report.id}").text


def test_who_paused_its_kind_is_for_those_who_may_pause_it(api: Access) -> None:
    report = api.requested(api.ann)
    root = api.person("root", HERS, Role.ADMIN)
    api.services.kind_limits.pause(Actor(root.owner, "a key"), report.kind, "no data")
    try:
        for who, may in ((api.ann, False), (root, True)):
            seen = sees(api, who, f"/reports/{report.id}").text
            assert "Waits since its kind is paused</b>: no data." in seen
            assert ("by root" in seen) is may, who
    finally:
        api.services.kind_limits.resume(Actor(root.owner, "a key"), report.kind)


def test_without_kafka_no_end_is_foretold(api: Access) -> None:
    """This process has not reached it."""
    report = api.requested(api.ann)

    seen = sees(api, api.ann, f"/reports/{report.id}").text

    assert "Waits for Kafka, which does not answer</b>. The report is kept, and goes on by itself." in seen
    assert "waits for Kafka, which does not answer" in sees(api, api.ann, "/reports").text
    assert "free slot" not in seen


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "none"}, {"Origin": "https://evil.example"}])
def test_a_form_of_another_page_does_nothing(api: Access, headers: dict[str, str]) -> None:
    report = api.requested(api.ann)

    for what in ("cancel", "retry", "rerun"):
        answer = sends(api, api.ann, f"/reports/{report.id}/{what}", headers)
        assert answer.status_code == 403, what
    assert api.services.ledger.get(report.id) == report


def test_what_cannot_be_done_says_so_and_leads_back(api: Access, tmp_path: Path) -> None:
    report = api.done(api.ann, tmp_path)

    for what in ("cancel", "retry"):
        answer = sends(api, api.ann, f"/reports/{report.id}/{what}")
        assert answer.status_code == 409
        assert answer.get_json()["page"] == f"/reports/{report.id}"
        assert answer.get_json()["report_id"] == str(report.id)


def test_a_file_that_there_is_not_is_not_found(api: Access, tmp_path: Path) -> None:
    report = api.done(api.ann, tmp_path)

    for address in ("?file=other", "/files/other"):
        assert sees(api, api.ann, f"/reports/{report.id}{address}").status_code == 404


def test_addresses_have_the_prefix_and_commands_the_token(api: Access) -> None:
    report = api.requested(api.ann)
    headers = {**api.ann.headers, "Accept": "text/html"}

    seen = api.client.get(
        f"/reports/{report.id}", headers=headers, environ_overrides={"SCRIPT_NAME": "/waybill"}
    ).text

    assert f'data-events="/waybill/api/v1/reports/{report.id}/events' in seen
    assert "/waybill/api/v1/reports -H &#34;Authorization: Bearer $WAYBILL_TOKEN&#34;" in seen
    assert api.ann.token not in seen
