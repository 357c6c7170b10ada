"""One action on many reports: those that are meant and no others, page by page, whatever comes between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.support.access import HERS, THEIRS, Access, Person, access
from tests.support.lifecycle_store import Store
from waybill.artefacts import ArtefactStoreUnavailable
from waybill.domain import Action, Report, Role, Status
from waybill.ledger import Operations
from waybill.store import AuditFilter
from waybill.store.statements import searching

pytest_plugins = ["tests.support.lifecycle_fixtures"]

PATH = "/api/v1/operations"


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def olga(api: Access) -> Person:
    """The operator of the tenant."""
    return api.person("olga", HERS, Role.OPERATOR)


def ask(api: Access, by: Person, action: str = "cancel", **body: Any) -> TestResponse:
    return api.client.post(PATH, json={"action": action, **body}, headers=by.headers)


def started(api: Access, by: Person, action: str = "cancel", **body: Any) -> str:
    answer = ask(api, by, action, **body)
    assert answer.status_code == 202, answer.text
    operation = answer.get_json()
    assert answer.headers["Location"] == operation["links"]["self"] == f"{PATH}/{operation['id']}"
    assert operation["owner"] == by.owner.name
    return str(operation["id"])


def show(api: Access, by: Person, operation_id: str) -> dict[str, Any]:
    answer = api.client.get(f"{PATH}/{operation_id}", headers=by.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def finished(api: Access, by: Person, operation_id: str) -> dict[str, Any]:
    while api.services.operations.work():
        pass
    return show(api, by, operation_id)


def counts(operation: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(operation[name] for name in ("state", "matched", "done", "skipped", "failed"))


def status(api: Access, report: Report) -> Status | None:
    found = api.services.ledger.get(report.id)
    return found.status if found else None


def fill(store: Store, number: int, **columns: Any) -> None:
    """Reports that wait, as ann has requested them."""
    values = {"tenant": HERS, "owner": "ann", "kind": "dowork", "parameters": "{}", **columns}
    names, given = ", ".join(values), ", ".join(f":{name}" for name in values)
    statement = f"INSERT INTO reports (id, {names}) SELECT gen_random_uuid(), {given}"
    with store.engine.begin() as connection:
        connection.execute(
            text(f"{statement} FROM generate_series(1, :number)"), {**values, "number": number}
        )


def statuses(store: Store) -> dict[tuple[str, str], int]:
    statement = text("SELECT tenant, status, count(*) FROM reports GROUP BY tenant, status")
    with store.engine.connect() as connection:
        return {(row[0], row[1]): row[2] for row in connection.execute(statement)}


# --- which reports


def test_reports_of_the_filter_are_cancelled_and_no_others(api: Access, olga: Person, store: Store) -> None:
    bob, gil = api.person("bob", HERS, Role.REQUESTER), api.person("gil", THEIRS, Role.REQUESTER)
    hers, his, theirs = api.requested(api.ann), api.requested(bob), api.requested(gil)
    failed = api.failed(api.ann)
    running = api.requested(api.ann)
    assert store.claim(running.id)

    own = finished(api, api.ann, started(api, api.ann, filter={"kind": ["dowork"]}))

    assert counts(own) == ("done", 2, 2, 0, 0)
    assert [status(api, one) for one in (hers, failed)] == [Status.CANCELLED, Status.FAIL]
    assert [status(api, one) for one in (his, theirs)] == [Status.INIT, Status.INIT]
    stopped = store.ledger.get(running.id)
    assert stopped is not None
    assert (stopped.status, stopped.cancel_requested) == (Status.PROCESSING, True)
    cancelled = store.ledger.audit(AuditFilter(action=Action.CANCEL))
    assert {(one.event.actor.owner, one.event.report_id) for one in cancelled} == {
        (api.ann.owner, report.id) for report in (hers, running)
    }

    assert counts(finished(api, olga, started(api, olga, filter={"status": ["init"]})))[1:3] == (1, 1)
    assert [status(api, one) for one in (his, theirs)] == [Status.CANCELLED, Status.INIT]


def test_what_is_requested_after_it_is_left(api: Access) -> None:
    before = api.requested(api.ann)
    operation = started(api, api.ann, filter={"kind": ["dowork"], "created_before": "2999-01-01T00:00:00Z"})
    after = api.requested(api.ann)

    assert counts(finished(api, api.ann, operation)) == ("done", 1, 1, 0, 0)
    assert [status(api, one) for one in (before, after)] == [Status.CANCELLED, Status.INIT]


def test_conditions_without_an_index_are_looked_for_page_by_page(
    api: Access, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MAX_SEARCHED", 10)
    fill(store, 5, tags=["old"])
    for _ in range(25):
        fill(store, 1)
    fill(store, 3, tags=["new"], parameters='{"month": 7}')

    answer = ask(api, api.ann, filter={"tag": "old"}, dry_run=True)
    assert answer.get_json() == {"matched": 0, "matched_more": True}
    operation = finished(api, api.ann, started(api, api.ann, filter={"tag": "old"}))
    assert (counts(operation), operation["matched_more"]) == (("done", 5, 5, 0, 0), False)
    operation = finished(api, api.ann, started(api, api.ann, filter={"parameter": {"month": "7"}}))
    assert counts(operation) == ("done", 3, 3, 0, 0)
    assert statuses(store) == {(HERS, "cancelled"): 8, (HERS, "init"): 25}


def test_of_ids_those_of_others_are_as_if_they_were_none(api: Access, olga: Person) -> None:
    theirs = api.requested(api.person("gil", THEIRS, Role.REQUESTER))
    hers, failed, none = api.requested(api.ann), api.failed(api.ann), uuid4()
    ids = [str(one) for one in (hers.id, theirs.id, failed.id, none)]

    operation = finished(api, olga, started(api, olga, ids=ids))

    assert counts(operation) == ("done", 4, 1, 3, 0)
    missing = "There is no such report."
    assert {one["report_id"]: one["reason"] for one in operation["reasons"]} == {
        str(theirs.id): missing,
        str(failed.id): "Its status is fail.",
        str(none): missing,
    }
    assert status(api, theirs) is Status.INIT


def test_an_operation_is_seen_by_those_who_see_its_reports(api: Access, olga: Person) -> None:
    operation = started(api, api.ann, filter={"kind": ["dowork"]})
    strangers = [api.person("bob", HERS, Role.REQUESTER), api.person("gil", THEIRS, Role.OPERATOR)]

    assert show(api, olga, operation)["owner"] == "ann"
    for stranger in strangers:
        for named in (operation, str(uuid4()), "none"):
            answer = api.client.get(f"{PATH}/{named}", headers=stranger.headers)
            assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/no-such-operation")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"filter": {}}, "it is empty"),
        ({"filter": {"tag": None, "parameter": {}}}, "it is empty"),
        ({}, "either a filter or ids"),
        ({"filter": {"tag": "a"}, "ids": [str(uuid4())]}, "either a filter or ids"),
        ({"filter": {"status": ["done"]}}, "leave out done"),
        ({"filter": {"status": "init"}}, "filter.status"),
        ({"filter": {"created_after": 5}}, "filter.created_after"),
        ({"filter": {"created_after": "yesterday"}}, "filter.created_after"),
        ({"filter": {"tags": ["a"]}}, "filter.tags"),
        ({"ids": []}, "ids"),
        ({"ids": ["a"]}, "ids"),
        ({"filter": {"tag": "a"}, "expected": True}, "expected"),
        ({"filter": {"tag": "a"}, "dry_run": 1}, "dry_run"),
        ({"filter": {"tag": "a"}, "action": "explode"}, "action"),
    ],
)
def test_what_does_not_say_which_reports_is_refused(api: Access, body: dict[str, Any], says: str) -> None:
    report = api.requested(api.ann)

    answer = api.client.post(PATH, json={"action": "cancel", **body}, headers=api.ann.headers)

    assert answer.status_code == 422, answer.text
    assert says in answer.get_json()["detail"]
    assert not api.services.operations.work()
    assert status(api, report) is Status.INIT


def test_an_owner_whose_reports_one_may_not_change_is_refused(api: Access) -> None:
    assert ask(api, api.ann, filter={"owner": "bob"}).status_code == 403
    auditor = api.person("ida", HERS, Role.AUDITOR)
    for action in ("cancel", "retry", "delete"):
        assert ask(api, auditor, action, filter={"kind": ["dowork"]}).status_code == 403


def test_more_than_were_expected_are_left(api: Access) -> None:
    reports = [api.requested(api.ann) for _ in range(3)]
    wanted = {"kind": ["dowork"]}

    assert ask(api, api.ann, filter=wanted, dry_run=True).get_json() == {"matched": 3, "matched_more": False}
    refused = ask(api, api.ann, filter=wanted, expected=2)
    assert (refused.status_code, refused.get_json()["type"]) == (409, "/problems/too-many-match")
    assert "3 match" in refused.get_json()["detail"]
    assert not api.services.operations.work()
    assert {status(api, one) for one in reports} == {Status.INIT}

    assert counts(finished(api, api.ann, started(api, api.ann, filter=wanted, expected=3)))[:3] == (
        "done",
        3,
        3,
    )


def test_an_owner_has_a_bounded_number_that_run(api: Access, olga: Person) -> None:
    for _ in range(10):
        started(api, api.ann, filter={"tag": "a"})

    refused = ask(api, api.ann, filter={"tag": "a"})

    assert (refused.status_code, refused.get_json()["type"]) == (429, "/problems/over-limit")
    started(api, olga, filter={"tag": "a"})


# --- page by page


def test_another_process_goes_on_where_one_has_ended(api: Access, store: Store) -> None:
    fill(store, 450)
    operation = started(api, api.ann, filter={"status": ["init"]})

    assert api.services.operations.work()
    assert counts(show(api, api.ann, operation)) == ("running", 450, 200, 0, 0)
    another = Operations(store.transactions, store.deleting)
    assert another.work()
    assert counts(show(api, api.ann, operation)) == ("running", 450, 400, 0, 0)
    assert counts(finished(api, api.ann, operation)) == ("done", 450, 450, 0, 0)
    assert statuses(store) == {(HERS, "cancelled"): 450}


def test_one_that_another_transaction_holds_is_done_later(api: Access, store: Store) -> None:
    held, free = api.requested(api.ann), api.requested(api.ann)
    operation = started(api, api.ann, filter={"status": ["init"]})

    with store.engine.begin() as connection:
        connection.execute(text("SELECT FROM reports WHERE id = :id FOR UPDATE"), {"id": held.id})
        assert api.services.operations.work()
        assert counts(show(api, api.ann, operation)) == ("running", 2, 1, 0, 0)
        assert status(api, free) is Status.CANCELLED

    assert counts(finished(api, api.ann, operation)) == ("done", 2, 2, 0, 0)


def test_one_that_no_longer_fits_is_left(api: Access, store: Store) -> None:
    held = api.requested(api.ann)
    operation = started(api, api.ann, filter={"status": ["init"]})
    api.requested(api.ann)

    with store.engine.begin() as connection:
        connection.execute(text("SELECT FROM reports WHERE id = :id FOR UPDATE"), {"id": held.id})
        connection.execute(
            text("UPDATE operations SET pending = ARRAY[:id], all_found = true"), {"id": held.id}
        )
    assert store.claim(held.id)

    found = finished(api, api.ann, operation)
    assert counts(found) == ("done", 1, 0, 1, 0)
    assert found["reasons"][0]["reason"] == "Its status is processing by now."
    running = store.ledger.get(held.id)
    assert running is not None
    assert not running.cancel_requested


def test_one_that_another_process_is_at_is_left_to_it(api: Access, store: Store) -> None:
    api.requested(api.ann)
    operation = started(api, api.ann, filter={"status": ["init"]})

    with store.engine.begin() as connection:
        connection.execute(text("SELECT FROM operations FOR UPDATE"))
        assert not api.services.operations.work()

    assert counts(finished(api, api.ann, operation)) == ("done", 1, 1, 0, 0)


def test_a_fault_of_ours_ends_it_and_not_the_others(api: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    report = api.requested(api.ann)
    broken, other = (started(api, api.ann, filter={"status": ["init"]}) for _ in range(2))

    with monkeypatch.context() as patched:
        patched.setattr("waybill.ledger.operation_page.Doing.do", lambda *_: 1 / 0)
        assert api.services.operations.work()

    found = show(api, api.ann, broken)
    assert (found["state"], found["error"]) == ("failed", "The error is in the service's log.")
    assert counts(finished(api, api.ann, other)) == ("done", 1, 1, 0, 0)
    assert status(api, report) is Status.CANCELLED


# --- each action


def test_reports_are_tried_again(api: Access, store: Store) -> None:
    failed, cancelled, waiting = api.failed(api.ann), api.requested(api.ann), api.requested(api.ann)
    assert store.ledger.cancel(cancelled.id)

    operation = finished(api, api.ann, started(api, api.ann, "retry", filter={"kind": ["dowork"]}))

    assert counts(operation) == ("done", 2, 2, 0, 0)
    assert {status(api, one) for one in (failed, cancelled, waiting)} == {Status.INIT}
    retried = store.ledger.audit(AuditFilter(action=Action.RETRY))
    assert {one.event.report_id for one in retried} == {failed.id, cancelled.id}


def test_reports_are_deleted_with_their_files(api: Access, store: Store, tmp_path: Path) -> None:
    (tmp_path / "produced").mkdir()
    done, failed = api.done(api.ann, tmp_path / "produced"), api.failed(api.ann)
    waiting = api.requested(api.ann)
    (artefact,) = done.artefacts
    assert (tmp_path / artefact.key).is_file()

    operation = finished(api, api.ann, started(api, api.ann, "delete", filter={"kind": ["dowork"]}))

    assert counts(operation) == ("done", 2, 2, 0, 0)
    assert [status(api, one) for one in (done, failed, waiting)] == [None, None, Status.INIT]
    assert not (tmp_path / artefact.key).exists()
    deleted = store.ledger.audit(AuditFilter(action=Action.DELETE))
    assert {one.event.report_id for one in deleted} == {done.id, failed.id}
    with store.engine.connect() as connection:
        told = connection.execute(
            text("SELECT key FROM outbox WHERE topic = 'report-status' AND value IS NULL")
        )
        assert {UUID(row[0]) for row in told} == {done.id, failed.id}


def test_many_are_deleted_behind_those_that_are_gone(api: Access, store: Store) -> None:
    fill(store, 120, status="done", finished_at="now()", enqueue_at=None)
    api.requested(api.ann)

    operation = finished(api, api.ann, started(api, api.ann, "delete", filter={"status": ["done"]}))

    assert counts(operation) == ("done", 120, 120, 0, 0)
    assert statuses(store) == {(HERS, "init"): 1}


def test_one_whose_files_stay_is_kept(api: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, failed = api.done(api.ann, tmp_path), api.failed(api.ann)

    def away(_: Any, report_id: UUID, __: int) -> None:
        if report_id == kept.id:
            raise ArtefactStoreUnavailable("It is away.")

    monkeypatch.setattr(api.services.artefacts, "remove_all", away)
    operation = finished(api, api.ann, started(api, api.ann, "delete", filter={"kind": ["dowork"]}))

    assert counts(operation) == ("done", 2, 1, 0, 1)
    assert operation["reasons"][0]["outcome"] == "failed"
    assert [status(api, one) for one in (kept, failed)] == [Status.DONE, None]


# --- one report


def test_one_report_is_deleted_when_it_has_ended(api: Access, tmp_path: Path) -> None:
    done, waiting = api.done(api.ann, tmp_path), api.requested(api.ann)

    def delete(report: Report, by: Person = api.ann) -> TestResponse:
        return api.client.delete(f"/api/v1/reports/{report.id}", headers=by.headers)

    assert delete(done, api.person("bob", HERS, Role.REQUESTER)).status_code == 404
    refused = delete(waiting)
    assert (refused.status_code, refused.get_json()["type"]) == (409, "/problems/not-ended")
    assert status(api, waiting) is Status.INIT
    gone = delete(done)
    assert (gone.status_code, gone.get_json()["id"]) == (200, str(done.id))
    assert status(api, done) is None
    assert not (tmp_path / done.artefacts[0].key).exists()
    assert delete(done).status_code == 404


def test_one_that_is_tried_again_meanwhile_stays(api: Access, store: Store) -> None:
    failed = api.failed(api.ann)
    store.dead_letters.redrive(failed.id)

    assert not store.deleting.delete(failed)
    assert status(api, failed) is Status.INIT
