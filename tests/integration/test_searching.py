"""Reports are found by what they are, and a search reads a bounded number of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.support.access import HERS, Access, Person, access
from tests.support.database import Database
from tests.support.lifecycle_store import Store
from tests.support.rows_read import rows_read
from waybill.domain import NewReport, Role, Scope, Status, new_report_id
from waybill.store import ParameterValue, ReportFilter
from waybill.store.statements.searching import MAX_SEARCHED

pytest_plugins = ["tests.support.lifecycle_fixtures"]

REPORTS = "/api/v1/reports"
MANY, KINDS = 30_000, 4
_FILL = """
INSERT INTO reports (
    id, tenant, owner, kind, parameters, tags, failure, status, finished_at, created_at
)
SELECT gen_random_uuid(), tenant, CASE number % 500 WHEN 0 THEN 'ann' ELSE 'bob' END,
    'kind-' || number % 4, jsonb_build_object('month', number % 12, 'number', number),
    CASE WHEN number % 10000 = 0 THEN ARRAY['rare'] WHEN number % 2 = 0 THEN ARRAY['even', 'often'] END,
    CASE WHEN status = 'fail' THEN '{"type": "error", "message": "No 100% of it", "step": null}'::jsonb END,
    status, CASE WHEN status <> 'init' THEN now() END, now() - number * interval '1 second'
FROM (
    SELECT number, CASE number % 10 WHEN 0 THEN 'acme' ELSE 'globex' END AS tenant, CASE
        WHEN number <= 5000 THEN 'init' WHEN number % 4000 = 0 THEN 'fail' ELSE 'done'
    END AS status
    FROM generate_series(1, :many) AS number
) AS number;
ANALYZE reports
"""
MIDDLE = "SELECT id FROM reports ORDER BY created_at DESC OFFSET 9000 LIMIT 1"


@pytest.fixture
def many(store: Store) -> Iterator[Store]:
    with store.engine.begin() as connection:
        for statement in _FILL.split(";"):
            connection.execute(text(statement), {"many": MANY} if ":many" in statement else {})
    yield store
    store.empty()


SEARCHES: dict[str, dict[str, Any]] = {
    "a tag that is rare": {"tag": "rare"},
    "a tag that half of them have": {"tag": "often"},
    "a tag that none has": {"tag": "none"},
    "a parameter": {"parameters": {"number": ParameterValue("29999", "29999")}},
    "a parameter of one kind and status": {
        "parameters": {"number": ParameterValue("29999", "29999")},
        "kinds": ["kind-3"],
        "statuses": [Status.DONE],
    },
    "an error": {"error": "100%"},
    "an error of a kind": {"error": "100%", "kinds": ["kind-0"]},
    "a tag in a tenant": {"tag": "none", "scope": Scope("acme")},
    "a tag of an owner": {"tag": "none", "scope": Scope("globex", "bob")},
    "an owner in all tenants": {"owner": "ann"},
    "a tag in an hour": {"tag": "none", "since": datetime.now(UTC) - timedelta(hours=1)},
    "a tag before that": {"tag": "none", "until": datetime.now(UTC) - timedelta(hours=2)},
}


def test_a_search_reads_a_bounded_number(many: Store) -> None:
    with many.engine.connect() as connection:
        middle = connection.scalar(text(MIDDLE))
    limit = 50
    once = MAX_SEARCHED + KINDS * len(Status) + 2 * (limit + 1) + 2 * KINDS
    """Of each kind and status one more; the page; the kinds; the cursor's time."""

    for name, wanted in SEARCHES.items():
        for cursor in (None, middle):
            read = rows_read(many, ReportFilter(before=cursor, limit=limit, **wanted))
            assert read <= once, (name, cursor, read)


def test_a_search_for_what_a_tenant_has_little_of_reads_that_little(many: Store) -> None:
    assert rows_read(many, ReportFilter(tag="none", scope=Scope("acme", "ann"))) < 100
    assert rows_read(many, ReportFilter(error="100%")) < 6_000  # those that wait, and those that failed


def test_pages_of_a_search_find_all_of_it_once_in_order(many: Store) -> None:
    for tag, number in (("rare", MANY // 10_000), ("often", MANY // 2 - MANY // 10_000)):
        found, cursor, searched = [], None, 0
        while True:
            page = many.ledger.page(ReportFilter(tag=tag, before=cursor, limit=2_000))
            found += [report.parameters["number"] for report in page.reports]
            assert page.searched is not None
            searched += page.searched
            if not page.more:
                break
            cursor = page.last
        assert len(found) == number
        assert found == sorted(found)
        assert searched == MANY


def test_reports_of_one_time_are_not_left_out_where_a_search_ends(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO reports (id, kind, parameters, tags, created_at)"
                " SELECT gen_random_uuid(), 'kind-' || number % 3, '{}', ARRAY['x'],"
                " now() - (number / 7) * interval '1 second' FROM generate_series(1, 20010) AS number"
            )
        )
    seen: set[UUID] = set()
    cursor = None
    while True:
        page = store.ledger.page(ReportFilter(tag="x", before=cursor, limit=4_000))
        ids = {report.id for report in page.reports}
        assert not ids & seen
        seen |= ids
        if not page.more:
            break
        cursor = page.last
    assert len(seen) == 20_010
    store.empty()


# --- through the API


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path) as opened:
        yield opened


def put(store: Store, api: Access, parameters: dict[str, Any], **more: Any) -> str:
    new = NewReport(
        new_report_id(), more.pop("kind", "dowork"), parameters, None, owner=api.ann.owner, **more
    )
    return str(store.ledger.accept(new).id)


def ids(api: Access, **query: Any) -> list[str]:
    answer = api.client.get(REPORTS, query_string=query, headers=api.ann.headers)
    assert answer.status_code == 200, answer.text
    assert (answer.get_json()["searched"] is None) == (set(query) <= {"kind", "status", "created_after"})
    return [report["id"] for report in answer.get_json()["reports"]]


def test_by_parameters_as_json_or_text(api: Access, store: Store) -> None:
    values = [7, "7", 7.0, True, "true", None, {"a": [1]}, "null", "x", "é%_"]
    made = [put(store, api, {"p": value, "other": 1}) for value in values]

    def found(text: str) -> list[int]:
        return sorted(made.index(one) for one in ids(api, **{"parameter.p": text}))

    assert found("7") == [0, 1, 2]
    assert found("7.00") == [0, 2]
    assert found('"7"') == [1]
    assert found("true") == [3, 4]
    assert found("null") == [5, 7]
    assert found('{"a":[1.0]}') == [6]
    assert found("x") == [8]
    assert found("é%_") == [9]
    assert found("%") == []
    assert ids(api, **{"parameter.p": "x", "parameter.other": "1"}) == [made[8]]
    assert ids(api, **{"parameter.p": "x", "parameter.other": "2"}) == []
    assert ids(api, **{"parameter.missing": "null"}) == []


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "1e400000", "1e-400000", "[" * 400, '"\\u0000"', '"\\ud800"', "{", "", "1" * 900],
)
def test_what_is_no_json_that_can_be_is_text(api: Access, store: Store, value: str) -> None:
    report = put(store, api, {"p": value})

    assert ids(api, **{"parameter.p": value}) == [report]


def test_by_several_kinds_and_statuses(api: Access, store: Store) -> None:
    first, second = put(store, api, {}), put(store, api, {}, kind="flights")
    put(store, api, {}, kind="another")
    store.ledger.cancel(api.services.ledger.page(ReportFilter(kinds=["flights"])).reports[0].id)

    assert ids(api, kind="dowork,flights") == [second, first]
    assert ids(api, kind="dowork,flights", status="init") == [first]
    assert ids(api, kind="dowork,flights", status="init,cancelled") == [second, first]


def test_by_tag(api: Access, store: Store) -> None:
    tagged = put(store, api, {}, tags=["month-end", "a"])
    put(store, api, {}, tags=["month"])
    put(store, api, {})

    assert ids(api, tag="month-end") == [tagged]
    assert ids(api, tag="MONTH-END") == []


def test_by_error(api: Access) -> None:
    failed = api.failed(api.ann)
    api.requested(api.ann)

    assert ids(api, error="SOMETHING") == [str(failed.id)]
    assert ids(api, error="something wrong!", status="fail") == [str(failed.id)]
    assert ids(api, error="something wrong!", status="done") == []
    assert ids(api, error="some%wrong") == []


def test_by_time(api: Access, store: Store) -> None:
    old, new = put(store, api, {}), put(store, api, {})
    Database(store.engine).execute(
        "UPDATE reports SET created_at = '2026-01-31T23:00:00Z' WHERE id = :id", id=old
    )

    assert ids(api, created_after="2026-02-01T00:00:00+01:00") == [new, old]
    assert ids(api, created_after="2026-02-01T00:00:00Z") == [new]
    answer = api.client.get(
        REPORTS, query_string={"created_before": "2026-01-31T23:00:00.000001z"}, headers=api.ann.headers
    )
    assert [report["id"] for report in answer.get_json()["reports"]] == [old]


def test_by_owner_for_those_who_see_others(api: Access) -> None:
    bob, olga = api.person("bob", HERS, Role.REQUESTER), api.person("olga", HERS, Role.OPERATOR)
    root = api.person("root", "default", Role.ADMIN)
    hers, his = str(api.requested(api.ann).id), str(api.requested(bob).id)

    def listed(by: Person, owner: str) -> Any:
        return api.client.get(REPORTS, query_string={"owner": owner}, headers=by.headers)

    for who in (olga, root):
        assert [one["id"] for one in listed(who, "ann").get_json()["reports"]] == [hers]
        assert [one["id"] for one in listed(who, "bob").get_json()["reports"]] == [his]
        assert listed(who, "anonymous").get_json()["reports"] == []
    assert [one["id"] for one in listed(bob, "bob").get_json()["reports"]] == [his]
    refused = listed(bob, "ann")
    assert (refused.status_code, refused.get_json()["type"]) == (403, "/problems/not-allowed")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("status", ""),
            ("status", "done,x"),
            ("status", "done,"),
            ("kind", ""),
            ("tag", ""),
            ("tag", "a\nb"),
        ),
        *(("created_after", "yesterday"), ("created_after", "1700000000"), ("created_after", "2026-01-01")),
        *(("created_before", "2026-01-01T00:00:00"), ("created_before", "2026-13-01T00:00:00Z")),
        *(("parameter", "x"), ("parameter.", "x"), ("parameterx", "1"), ("error", "")),
        *(("parameter.a", "\0"), ("parameter.a", "x" * 1001), ("owner", "\0")),
    ],
)
def test_a_query_that_is_wrong_is_refused(api: Access, name: str, value: str) -> None:
    answer = api.client.get(REPORTS, query_string={name: value}, headers=api.ann.headers)

    assert answer.status_code == 422, answer.text
    assert answer.get_json()["errors"][0]["field"].startswith("parameter" if "parameter" in name else name)
