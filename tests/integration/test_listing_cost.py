"""A page of a list costs what the page holds, however many reports there are."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.support.lifecycle_store import Store
from tests.support.rows_read import rows_read
from waybill.domain import Scope, Status
from waybill.store import ReportFilter

pytest_plugins = ["tests.support.lifecycle_fixtures"]

MANY = 40_000
_FILL = """
INSERT INTO reports (id, tenant, owner, kind, parameters, status, finished_at, created_at)
SELECT gen_random_uuid(), tenant, CASE number % 500 WHEN 0 THEN 'ann' ELSE 'bob' END,
    'kind-' || number % 4, '{}', status,
    CASE WHEN status <> 'init' THEN now() END, now() - number * interval '1 second'
FROM (
    SELECT number, CASE number % 10 WHEN 0 THEN 'acme' ELSE 'globex' END AS tenant, CASE
        WHEN number <= :many / 4 THEN 'init' WHEN number % 4000 = 0 THEN 'fail' ELSE 'done'
    END AS status
    FROM generate_series(1, :many) AS number
) AS number;
ANALYZE reports
"""
OLDEST_FIRST = "SELECT id FROM reports WHERE status = :status ORDER BY created_at DESC OFFSET :place LIMIT 1"

LISTS = {
    "all": {},
    "of a status that is rare": {"statuses": [Status.FAIL]},
    "of a status that the newest do not have": {"statuses": [Status.DONE]},
    "of a status without reports": {"statuses": [Status.CANCELLED]},
    "of a kind": {"kinds": ["kind-3"]},
    "of a kind and a status": {"kinds": ["kind-0"], "statuses": [Status.FAIL]},
    "of a kind without reports": {"kinds": ["kind-9"]},
    "of a tenant": {"scope": Scope("acme")},
    "of a tenant without reports": {"scope": Scope("initech")},
    "of a tenant and a status that is rare": {"scope": Scope("globex"), "statuses": [Status.FAIL]},
    "of an owner of few": {"scope": Scope("acme", "ann")},
    "of an owner and a kind": {"scope": Scope("globex", "bob"), "kinds": ["kind-3"]},
    "of an owner and a status without reports": {
        "scope": Scope("acme", "bob"),
        "statuses": [Status.CANCELLED],
    },
}


@pytest.fixture
def many(store: Store) -> Iterator[Store]:
    """Many reports wait, and came after many that have ended, nearly all of them well."""
    with store.engine.begin() as connection:
        for statement in _FILL.split(";"):
            connection.execute(text(statement), {"many": MANY} if ":many" in statement else {})
    yield store
    store.empty()


def test_no_page_of_any_list_reads_what_it_does_not_hold(many: Store) -> None:
    with many.engine.connect() as connection:
        behind: list[UUID | None] = [
            connection.execute(text(OLDEST_FIRST), {"status": status, "place": place}).scalar_one()
            for status, place in (("init", 5_000), ("done", 20_000))
        ]
    kinds, limit = 4, 50
    each = 2 * (limit + 1) * kinds * len(Status)
    """Of each kind and status a page may be found, and of these one page is read."""

    for name, wanted in LISTS.items():
        for cursor in (None, *behind):
            read = rows_read(many, ReportFilter(before=cursor, limit=limit, **wanted))  # type: ignore[arg-type]
            assert read <= each, (name, cursor, read)
