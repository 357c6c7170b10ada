"""Whether a worker that is there offers a kind: by the rows of the workers, in the API and on its pages."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from producer_api.app import create_app
from tests.support.access import Access, access
from tests.support.api_services import services_of
from tests.support.lifecycle_store import Store
from waybill.domain import EVERYTHING
from waybill.ledger import Overview
from waybill.store import LiveWorkers

pytest_plugins = ["tests.support.lifecycle_fixtures"]

DEFINITION = """
waybill: 1
name: sales
title: Sales
description: What was sold.
steps:
  - name: orders
    source: shop
    sql: SELECT 1 AS number
sections:
  - blocks:
      - table: {from: orders}
outputs: [html]
"""
NOT_OFFERED = "No worker offers this kind"
NONE_THERE = "No worker is there"


def is_there_as_before(store: Store) -> None:
    """One of the version before, whose kinds are not known."""
    store.has_worker(2, 1, None, "an old worker")


def age(store: Store, name: str) -> None:
    """It was killed, and its row stays."""
    with store.engine.begin() as connection:
        connection.execute(
            text("UPDATE workers SET seen_at = seen_at - interval '16 s' WHERE name = :name"), {"name": name}
        )


def live(store: Store) -> LiveWorkers:
    return Overview(store.transactions).for_waiting().workers


def test_the_kinds_of_workers_that_are_there_are_counted(store: Store) -> None:
    assert live(store) == LiveWorkers(0, 0)

    store.has_worker(2, 1, ["dowork", "flights"], "a")
    store.has_worker(3, 0, ["dowork", "flights"], "b")
    store.has_worker(4, 2, ["dowork"], "c")
    store.has_worker(1, 0, [], "d")
    assert live(store) == LiveWorkers(4, 2, 10, {"dowork": 3, "flights": 2})

    store.has_worker(2, 1, ["sales"], "a")
    assert live(store).offered == {"dowork": 2, "flights": 1, "sales": 1}, "its row is written again"


def test_in_an_upgrade_a_worker_of_the_version_before_may_offer_any_kind_until_it_is_gone(
    store: Store,
) -> None:
    store.has_worker(2, 1, ["dowork"], "a new worker")
    is_there_as_before(store)
    workers = live(store)
    assert (workers.number, workers.unknown) == (2, 1)
    assert workers.offering("trains", is_defined=False) is None

    age(store, "an old worker")

    assert live(store) == LiveWorkers(1, 1, 2, {"dowork": 1})
    age(store, "a new worker")
    assert live(store) == LiveWorkers(0, 0)


def test_more_kinds_than_are_kept_are_not_known(store: Store) -> None:
    store.has_worker(1, kinds=[f"kind-{number}" for number in range(1000)], name="a")
    assert live(store).offering("kind-999", is_defined=False) == 1

    store.has_worker(1, kinds=[f"kind-{number}" for number in range(1001)], name="b")

    assert live(store).offering("kind-999", is_defined=False) is None


# --- by the API


@pytest.fixture
def edge(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    definitions = tmp_path / "definitions"
    definitions.mkdir()
    (definitions / "sales.yaml").write_text(DEFINITION)
    with access(store_url, tmp_path, definitions=str(definitions)) as opened:
        yield opened


def offered_by(edge: Access) -> dict[str, Any]:
    listed = edge.client.get("/api/v1/kinds", headers=edge.ann.headers).get_json()
    return {kind["name"]: kind["offered_by"] for kind in listed["kinds"]}


def shown(edge: Access, path: str) -> str:
    answer = edge.client.get(path, headers={**edge.ann.headers, "Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_list_of_kinds_says_how_many_workers_offer_each(edge: Access, store: Store) -> None:
    assert offered_by(edge) == {"dowork": 0, "flights": 0, "query:sales": 0}

    store.has_worker(2, 1, ["dowork"], "a")
    store.has_worker(2, 1, ["dowork", "trains"], "b")
    assert offered_by(edge) == {"dowork": 2, "flights": 0, "query:sales": 2}

    is_there_as_before(store)
    assert offered_by(edge) == {"dowork": None, "flights": None, "query:sales": None}


def test_while_the_database_is_away_the_kinds_are_listed_and_their_workers_are_not_known(
    tmp_path: Path,
) -> None:
    services = services_of(tmp_path)
    try:
        listed = create_app(services).test_client().get("/api/v1/kinds").get_json()
    finally:
        services.runtime.close()

    assert {kind["name"]: kind["offered_by"] for kind in listed["kinds"]} == {"dowork": None, "flights": None}


@pytest.mark.parametrize("path", ["/reports/new?kind={}", "/kinds/{}"])
def test_a_kinds_pages_say_that_no_worker_offers_it(edge: Access, store: Store, path: str) -> None:
    for kind in ("flights", "query:sales"):
        assert f"<b>{NONE_THERE}.</b> A report is accepted, and waits" in shown(edge, path.format(kind))

    store.has_worker(2, 1, ["dowork"])
    assert f"<b>{NOT_OFFERED}.</b> A report is accepted, and tried again" in shown(
        edge, path.format("flights")
    )
    for kind in ("dowork", "query:sales"):
        assert "No worker" not in shown(edge, path.format(kind)), kind

    is_there_as_before(store)
    assert "No worker" not in shown(edge, path.format("flights"))


def test_lists_of_kinds_say_it_of_each_or_once_of_all(edge: Access, store: Store) -> None:
    for kind in ("flights", "dowork"):
        body: dict[str, Any] = {"kind": kind, "parameters": {}}
        assert edge.client.post("/api/v1/reports", json=body, headers=edge.ann.headers).status_code == 202
    for path in ("/", "/kinds"):
        page = shown(edge, path)
        assert (page.count(NONE_THERE), page.count(NOT_OFFERED)) == (1, 0), path

    store.has_worker(2, 1, ["dowork"])
    for path in ("/", "/kinds"):
        page = shown(edge, path)
        assert (page.count(NONE_THERE), page.count(NOT_OFFERED)) == (0, 1), path


def test_the_workers_are_one_statement_of_a_page(store: Store) -> None:
    overview = Overview(store.transactions)
    for read in (
        overview.for_waiting,
        partial(overview.of_kinds, EVERYTHING),
        partial(overview.of_kind, "flights", EVERYTHING),
        partial(overview.figures, EVERYTHING),
    ):
        assert sum("FROM workers" in one for one in statements_of(store, read)) == 1


def statements_of(store: Store, act: Callable[[], object]) -> list[str]:
    executed: list[str] = []

    def note(_: Connection, __: Any, statement: str, *___: Any) -> None:
        executed.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
    return executed
