"""Reports that a YAML file defines, from the folder to the files: the first example of docs/query.md."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from local.stack import Stack
from tests.support import lifecycle as ask
from tests.support.lifecycle_stack import LifecycleStack
from tests.support.lifecycle_store import own_database
from tests.support.problems import problem
from tests.support.waiting import eventually

pytest_plugins = ["tests.support.lifecycle_fixtures"]

PAGE = Path(__file__).parents[2] / "docs/query.md"
SALES = next(
    one for one in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL) if "name: sales" in one
)
JANUARY = {"period": {"first": "2026-01-01", "last": "2026-01-31"}}
_SHOP = """
create table orders (day date, region text, product text, quantity int, amount numeric(10, 2));
insert into orders select date '2026-01-01' + n % 60, (array['north', 'south', 'east', 'west'])[n % 4 + 1],
    'product ' || n % 7, n % 5 + 1, (n % 100) * 1.25 from generate_series(0, 599) as n;
do $$ begin create role shop_reader login password 'shop-reader'; exception when duplicate_object then end $$;
grant select on orders to shop_reader;
"""


@pytest.fixture(scope="module")
def shop(stack: Stack, lifecycle: LifecycleStack) -> Iterator[None]:
    """A database that the services know nothing of, as the source `shop`."""
    with own_database(stack.endpoints.database_url, "shop") as url:
        with psycopg.connect(url) as connection:
            connection.execute(_SHOP)
        reader = make_conninfo(url, user="shop_reader", password="shop-reader")
        (secret := lifecycle.sources.with_name("shop-url")).write_text(reader)
        lifecycle.sources.write_text(f"sources:\n  shop: {{type: postgresql, url_file: {secret}}}\n")
        yield
        lifecycle.sources.unlink()


@pytest.fixture
def sales(shop: None, lifecycle: LifecycleStack, api: httpx.Client) -> Iterator[Path]:
    file = lifecycle.definitions / "sales.yaml"
    file.write_text(SALES)
    eventually(lambda: "query:sales" in kinds(api), "the kind is there")
    yield file
    file.unlink()
    eventually(lambda: "query:sales" not in kinds(api), "the kind is gone")


def kinds(api: httpx.Client) -> dict[str, Any]:
    return {kind["name"]: kind for kind in api.get("/api/v1/kinds").json()["kinds"]}


def request(api: httpx.Client, **more: Any) -> str:
    answer = api.post(ask.REPORTS, json={"kind": "query:sales", "parameters": JANUARY, **more})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_a_file_in_the_folder_is_a_kind_whose_reports_come_as_the_files_that_are_wanted(
    api: httpx.Client, sales: Path
) -> None:
    kind = kinds(api)["query:sales"]
    assert kind["outputs"] == ["html", "pdf", "xlsx", "csv"]
    assert kind["parameters"]["properties"]["region"]["anyOf"][0]["enum"] == [
        "north",
        "south",
        "east",
        "west",
    ]

    report = ask.ended(api, request(api, outputs=["csv", "html", "xlsx"]))

    assert (report["status"], report["error"]) == ("done", None)
    assert report["definition"] == hashlib.sha256(sales.read_bytes()).hexdigest()
    assert report["progress"]["total"] == report["progress"]["done"] == 7
    by_name = {one["filename"]: one for one in report["artefacts"]}
    assert by_name.keys() == {"sales.csv", "sales.html", "sales.xlsx"}
    assert report["artefact"]["filename"] == "sales.csv"
    rows = list(csv.DictReader(io.StringIO(api.get(by_name["sales.csv"]["href"]).text)))
    assert sum(int(row["pieces"]) for row in rows) == sum(n % 5 + 1 for n in range(600) if n % 60 < 31)
    preview = api.get(f"{by_name['sales.csv']['href']}/preview").json()
    assert [column["name"] for column in preview["columns"]] == list(rows[0])
    assert preview["rows"] == [list(row.values()) for row in rows[:100]]
    assert preview["rows_in_all"] == len(rows)
    without = api.get(f"{by_name['sales.xlsx']['href']}/preview")
    assert (without.status_code, without.json()["type"]) == (404, "/problems/no-such-artefact")
    page = api.get(by_name["sales.html"]["href"]).text
    assert "<h1>Sales from 1 January 2026 to 31 January 2026</h1>" in page


def test_without_outputs_the_first_of_the_definition_is_made(api: httpx.Client, sales: Path) -> None:
    report = ask.ended(api, request(api))
    assert [one["media_type"] for one in report["artefacts"]] == ["text/html; charset=utf-8"]


def test_a_report_keeps_the_definition_that_it_was_requested_with(api: httpx.Client, sales: Path) -> None:
    paused = api.post("/api/v1/kinds/query:sales:pause", json={"reason": "for a test"})
    assert paused.status_code == 200, paused.text
    before = request(api)
    sales.write_text(SALES.replace('heading: "Sales from', 'heading: "All sales from'))
    digest = hashlib.sha256(sales.read_bytes()).hexdigest()

    def newer() -> str | None:
        report = api.get(f"{ask.REPORTS}/{request(api)}").json()
        return str(report["id"]) if report["definition"] == digest else None

    after = eventually(newer, "the changed file counts")
    api.post("/api/v1/kinds/query:sales:resume").raise_for_status()

    old, new = (ask.ended(api, one) for one in (before, str(after)))
    assert old["definition"] != new["definition"] == digest
    assert "<h1>Sales from 1 January 2026" in api.get(old["artefact"]["href"]).text
    assert "<h1>All sales from 1 January 2026" in api.get(new["artefact"]["href"]).text


def test_a_wrong_file_is_refused_with_its_place_and_what_was_right_goes_on(
    api: httpx.Client, sales: Path, lifecycle: LifecycleStack
) -> None:
    wrong = lifecycle.definitions / "wrong.yaml"
    wrong.write_text(SALES.replace("name: sales", "name: wrong").replace(":period_first", ":first", 1))
    try:
        eventually(lambda: "wrong.yaml" in api.get("/api/v1/kinds").text, "it is refused")
        answer = api.post(ask.REPORTS, json={"kind": "query:wrong", "parameters": {}})
        refused = problem(answer, 422, "unavailable-kind")
        assert "wrong.yaml:24:25:" in refused["detail"]
        assert "there is no parameter for :first" in refused["detail"]
        assert ask.ended(api, request(api))["status"] == "done"
    finally:
        wrong.unlink()


def test_parameters_and_outputs_that_it_does_not_have_are_refused(api: httpx.Client, sales: Path) -> None:
    for wanted, field in (
        ({"parameters": {"region": "center"}}, "parameters.region"),
        ({"parameters": {"period": "last_decade"}}, "parameters.period"),
        ({"parameters": {"month": 7}}, "parameters.month"),
        ({"outputs": ["html", "parquet"]}, "outputs.1"),
    ):
        answer = api.post(ask.REPORTS, json={"kind": "query:sales", **wanted})
        refused = problem(answer, 422, "wrong-request")
        assert field in {one["field"] for one in refused["errors"]}, refused


def test_what_the_database_refuses_is_the_reports_error(api: httpx.Client, sales: Path) -> None:
    sales.write_text(
        SALES.replace("select day, region, quantity, amount", "select day, region, quantity, amout")
    )
    digest = hashlib.sha256(sales.read_bytes()).hexdigest()

    def failed() -> dict[str, Any] | None:
        report = ask.ended(api, request(api))
        return report if report["definition"] == digest else None

    report = eventually(failed, "the changed file counts")
    assert (report["status"], report["attempt"]) == ("fail", 1)
    assert report["error"]["step"] == "orders"
    assert "amout" in report["error"]["message"]
    assert "shop-reader" not in str(report)


def test_nothing_in_the_period_is_said_in_the_definitions_words(api: httpx.Client, sales: Path) -> None:
    none = {"period": {"first": "1999-01-01", "last": "1999-01-31"}}
    report = ask.ended(api, request(api, parameters=none))
    assert report["status"] == "fail"
    assert "Nothing was sold from 1999-01-01 to 1999-01-31." in report["error"]["message"]


CHOOSE = """
waybill: 1
name: choose
title: Choose
description: What was sold of a product.
parameters:
  product:
    type: text
    choices: {source: shop, sql: "select distinct product, upper(product) from orders order by 1"}
  wrong: {type: text, optional: true, choices: {source: shop, sql: select nothing from orders}}
steps:
  - {name: sold, source: shop, sql: "select count(*) as n from orders where product = :product"}
sections:
  - blocks: [{table: {from: sold}}]
outputs: [csv]
"""


def test_a_worker_reads_the_choices_that_come_from_a_query(
    shop: None, lifecycle: LifecycleStack, api: httpx.Client
) -> None:
    file = lifecycle.definitions / "choose.yaml"
    file.write_text(CHOOSE)
    eventually(lambda: "query:choose" in kinds(api), "the kind is there")
    address = "/api/v1/kinds/query:choose/choices"
    assert api.get(address).json()["read_at"] is None

    def read() -> dict[str, Any] | None:
        found: dict[str, Any] = api.get(address).json()
        return found if found["read_at"] else None

    found = eventually(read, "the choices are read")["parameters"]

    assert found["product"] == {
        "choices": [{"value": f"product {n}", "label": f"PRODUCT {n}"} for n in range(7)],
        "more": False,
        "error": None,
    }
    assert 'column "nothing" does not exist' in found["wrong"]["error"]
    assert api.get("/api/v1/kinds/dowork/choices").json() == {"parameters": {}, "read_at": None}
    file.unlink()
