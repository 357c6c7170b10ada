"""The figures of the pages: right, of a scope alone, and from a bounded number of rows however many reports
there are."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from sqlalchemy import text

from tests.support.lifecycle_store import Store
from tests.support.rows_read import rows_read_by
from waybill.domain import EVERYTHING, Scope, Status
from waybill.ledger import HOURS, MOST_COUNTED, Overview

pytest_plugins = ["tests.support.lifecycle_fixtures"]

KINDS = 4
MANY = 48_000
"""Two seconds apart: 27 hours. The reports of each kind ran for as many seconds as its number, and waited for
two; each eighth of those that ended has failed."""
_FILL = """
INSERT INTO reports
    (id, tenant, owner, kind, parameters, status, failure, created_at, started_at, finished_at)
SELECT gen_random_uuid(), tenant, owner, kind, '{}', status,
    CASE WHEN status = 'fail' THEN jsonb_build_object('type', 'step_failed', 'message', 'no ' || number) END,
    created_at,
    CASE WHEN status <> 'init' THEN created_at + interval '2 seconds' END,
    CASE WHEN status <> 'init' THEN created_at + interval '2 seconds' + ran * interval '1 second' END
FROM (
    SELECT number, now() - number * interval '2 seconds' AS created_at, 1 + number % 4 AS ran,
        CASE number % 10 WHEN 0 THEN 'acme' ELSE 'globex' END AS tenant,
        CASE number % 500 WHEN 0 THEN 'ann' ELSE 'bob' END AS owner,
        'kind-' || 1 + number % 4 AS kind,
        CASE WHEN number <= 6000 THEN 'init' WHEN number / 4 % 8 = 0 THEN 'fail' ELSE 'done' END AS status
    FROM generate_series(1, :many) AS number
) AS number;
ANALYZE reports
"""
OF_ANN = Scope("acme", "ann")
MOST_ROWS = {
    # Counted are two statuses, three by the hour, and one by its failure; then, which kinds there are.
    "overview": KINDS * 6 * MOST_COUNTED + KINDS * (200 + 20),
    "kinds": KINDS * 2 * MOST_COUNTED + KINDS * (200 + 20),
    "a kind": 2 * MOST_COUNTED + 2 * 200,
}
SCOPES = [EVERYTHING, Scope("acme"), OF_ANN, Scope("initech")]


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    with store.engine.begin() as connection:
        for statement in _FILL.split(";"):
            connection.execute(text(statement), {"many": MANY} if ":many" in statement else {})
    yield store
    store.empty()


def test_figures_are_right_of_a_scope_and_bounded(filled: Store) -> None:
    overview = Overview(filled.transactions)
    of_everything(overview)
    of_one_owner(overview)
    for scope in SCOPES:
        readings: dict[str, Callable[[], object]] = {
            "overview": partial(overview.figures, scope),
            "kinds": partial(overview.of_kinds, scope),
            "a kind": partial(overview.of_kind, "kind-1", scope),
        }
        for name, act in readings.items():
            assert rows_read_by(filled, act) <= MOST_ROWS[name], (name, scope)


def of_everything(overview: Overview) -> None:
    figures = overview.figures(EVERYTHING)

    kinds = [f"kind-{number}" for number in range(1, KINDS + 1)]
    assert figures.kinds == kinds
    counted = {(one.kind, one.status): one.number for one in figures.under_way}
    assert counted == {(kind, Status.INIT): MOST_COUNTED for kind in kinds}
    assert {one.kind: (one.number, one.median, one.p95, one.median_wait) for one in figures.durations} == {
        kind: (200, seconds, seconds, 2) for seconds, kind in enumerate(kinds, 1)
    }
    assert {one.kind: one.number for one in figures.failures} == dict.fromkeys(kinds, MOST_COUNTED)
    ended = {kind: sum(one.done + one.failed for one in figures.hours if one.kind == kind) for kind in kinds}
    assert ended == dict.fromkeys(kinds, 2 * MOST_COUNTED)


def of_one_owner(overview: Overview) -> None:
    """Each five hundredth is Ann's, and of the first kind."""
    figures = overview.figures(OF_ANN)

    assert figures.kinds == ["kind-1"]
    assert {(one.status, one.number) for one in figures.under_way} == {(Status.INIT, 12)}
    assert sum(one.done + one.failed for one in figures.hours) == 74, "of the last 24 hours"
    assert max(one.hours_ago for one in figures.hours) == HOURS - 1
    assert [(one.kind, one.number, one.median) for one in figures.durations] == [("kind-1", 73, 1)]
    assert [one.type for one in figures.failures] == ["step_failed"]
    nothing = overview.figures(Scope("initech"))
    assert (nothing.kinds, nothing.under_way, nothing.hours, nothing.durations, nothing.failures) == (
        [],
        [],
        [],
        [],
        [],
    )

    now = overview.of_kind("kind-1", OF_ANN)
    assert [(one.status, one.number) for one in now.under_way] == [(Status.INIT, 12)]
    ended = [one.created_at for one in now.ended]
    assert (len(ended), ended) == (84, sorted(ended, reverse=True))
    assert {(one.ran, one.waited) for one in now.ended} == {(1, 2)}
    assert overview.of_kind("kind-2", OF_ANN).ended == []
    assert overview.of_kind("kind-1", None).ended == ()
