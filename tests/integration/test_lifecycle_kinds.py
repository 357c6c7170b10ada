"""Kinds at the edge: what their parameters may be, and a kind that cannot be used."""

from decimal import Decimal

import httpx
import pytest

from tests.support import lifecycle as ask
from tests.support.lifecycle_stack import API, WORKER, LifecycleStack
from tests.support.problems import problem

pytest_plugins = ["tests.support.lifecycle_fixtures"]

HEADERS = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ('{"month": true}', "month"),
        ('{"month": " 7 "}', "month"),
        ('{"month": 7.5}', "month"),
        ('{"first_day": 1370044800}', "first_day"),
        ('{"first_day": "1370044800"}', "first_day"),
        ('{"month": 1e400}', "month"),
    ],
)
def test_what_the_published_schema_does_not_allow_is_refused(
    api: httpx.Client, parameters: str, field: str
) -> None:
    body = f'{{"kind": "flights", "parameters": {parameters}}}'

    answer = problem(api.post(ask.REPORTS, content=body, headers=HEADERS), 422, "wrong-request")

    assert {error["field"] for error in answer["errors"]} == {f"parameters.{field}"}


def test_an_integer_may_be_written_with_a_point(api: httpx.Client) -> None:
    body = '{"kind": "dowork", "parameters": {"steps": 1.0, "failing_step": null, "max_step_ms": 0}}'

    answer = api.post(ask.REPORTS, content=body, headers=HEADERS)

    assert answer.json()["parameters"]["steps"] == 1
    assert ask.ended(api, answer.json()["id"])["status"] == "done"


def test_a_decimal_keeps_its_digits_on_the_way_to_the_slot(api: httpx.Client) -> None:
    digits = "0.12345678901234567890123456789"
    body = f'{{"kind": "exact", "parameters": {{"amount": {digits}}}}}'

    report = ask.ended(api, api.post(ask.REPORTS, content=body, headers=HEADERS).json()["id"])

    assert Decimal(report["parameters"]["amount"]) == Decimal(digits)
    assert api.get(report["artefact"]["href"]).text == f"attempt 1 {digits} {Decimal(digits) * 2}\n"


@pytest.mark.parametrize("depth", [40, 5000])
def test_deep_json_is_refused(api: httpx.Client, depth: int) -> None:
    body = f'{{"kind": "loose", "parameters": {{"anything": {"[" * depth}{"]" * depth}}}}}'

    answer = api.post(ask.REPORTS, content=body, headers=HEADERS)

    assert answer.status_code in (400, 422)
    assert "deep" in answer.json()["detail"]


def test_a_kind_that_cannot_be_used_costs_itself_alone(api: httpx.Client, lifecycle: LifecycleStack) -> None:
    listed = api.get("/api/v1/kinds").json()
    (broken,) = listed["unavailable"]

    assert broken["name"] == "unimportable"
    assert "waybill-lifecycle" in broken["reason"]
    assert "No module named 'waybill_lifecycle.nowhere'" in broken["reason"]
    assert "slow" in {kind["name"] for kind in listed["kinds"]}
    answer = problem(ask.post(api, "unimportable"), 422, "unavailable-kind")
    assert broken["reason"] in answer["detail"]
    for service in (API, WORKER):
        log = lifecycle.log(service)
        assert "kind cannot be used: its requests are refused" in log
        assert "waybill_lifecycle.nowhere" in log
        assert "Traceback" not in log[: log.index("waybill_lifecycle.nowhere") + 200]
