"""A report is requested once more, with other parameters."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from werkzeug.test import TestResponse

from tests.support.access import HERS, THEIRS, Access, Person, access
from tests.support.lifecycle_store import Store
from waybill.domain import Carrier, NewReport, Role, new_report_id
from waybill.telemetry import names, request_span, spans

pytest_plugins = ["tests.support.lifecycle_fixtures"]

REPORTS = "/api/v1/reports"
CARRIER = Carrier("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None)


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path, path_prefix="/waybill") as opened:
        yield opened


def post(api: Access, by: Person, **body: Any) -> TestResponse:
    return api.client.post(REPORTS, json=body, headers=by.headers)


def first(api: Access) -> dict[str, Any]:
    answer = post(
        api,
        api.ann,
        kind="dowork",
        parameters={"steps": 3, "failing_step": None, "max_step_ms": 7},
        tags=["a", "b"],
        timeout_seconds=30,
        priority=2,
    )
    found: dict[str, Any] = answer.get_json()
    return found


def test_what_is_not_said_is_as_it_was(api: Access) -> None:
    earlier = first(api)

    again = post(api, api.ann, rerun_of=earlier["id"]).get_json()

    same = ("kind", "parameters", "tags", "priority", "owner", "tenant")
    assert {name: again[name] for name in same} == {name: earlier[name] for name in same}
    assert again["id"] != earlier["id"]
    assert again["rerun_of"] == earlier["id"]
    assert again["links"]["rerun_of"] == earlier["links"]["self"]
    shown = api.client.get(f"{REPORTS}/{again['id']}", headers=api.ann.headers).get_json()
    assert shown == {**again, "estimate": None}
    stored = api.services.ledger.get(again["id"])
    assert stored is not None
    assert stored.timeout is not None
    assert stored.timeout.total_seconds() == 30
    assert (earlier["rerun_of"], earlier["links"]["rerun_of"]) == (None, None)


def test_what_is_said_replaces_it(api: Access) -> None:
    earlier = first(api)
    changed = {"steps": 4, "max_step_ms": None}

    again = post(
        api, api.ann, rerun_of=earlier["id"], kind="dowork", parameters=changed, tags=["c"], priority=4
    ).get_json()

    assert again["parameters"] == {"steps": 4, "failing_step": None, "max_step_ms": 200}, "null: the default"
    assert (again["tags"], again["priority"]) == (["c"], 4)


def test_outputs_are_as_they_were(api: Access, store: Store) -> None:
    """These its kind has no more."""
    new = NewReport(new_report_id(), "dowork", {}, None, owner=api.ann.owner, outputs=["pdf"])
    store.ledger.accept(new)

    refused = post(api, api.ann, rerun_of=str(new.id))

    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "outputs")
    assert post(api, api.ann, rerun_of=str(new.id), outputs=None).status_code == 202


def test_what_was_allowed_then_and_is_not_now_is_as_near_as_it_may_be(api: Access, store: Store) -> None:
    olga = api.person("olga", HERS, Role.OPERATOR)
    urgent = post(api, olga, kind="dowork", priority=1).get_json()
    auditing = api.person("both", HERS, Role.REQUESTER, Role.AUDITOR)

    assert post(api, auditing, rerun_of=urgent["id"]).get_json()["priority"] == 2
    assert post(api, auditing, rerun_of=urgent["id"], priority=1).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": None}, "kind"),
        ({"kind": "flights", "rerun_of": True}, "kind"),
        ({"rerun_of": True, "parameters": {"steps": "many"}}, "parameters.steps"),
        ({"rerun_of": True, "parameters": {"unknown": 1}}, "parameters.unknown"),
        ({"rerun_of": "no id"}, "rerun_of"),
        ({"rerun_of": 7}, "rerun_of"),
    ],
)
def test_what_is_wrong_is_refused(api: Access, body: dict[str, Any], field: str) -> None:
    earlier = first(api)
    sent = {**body, "rerun_of": earlier["id"]} if body.get("rerun_of") is True else body

    answer = post(api, api.ann, **sent)

    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_a_report_of_another_is_not_found(api: Access) -> None:
    earlier = first(api)
    elsewhere = api.person("gil", THEIRS, Role.REQUESTER)
    beside = api.person("bob", HERS, Role.REQUESTER)

    for who, which in ((elsewhere, earlier["id"]), (beside, earlier["id"]), (api.ann, str(uuid4()))):
        answer = post(api, who, rerun_of=which)
        assert (answer.status_code, answer.get_json()["type"]) == (404, "/waybill/problems/no-such-report")
        assert answer.get_json()["errors"][0]["field"] == "rerun_of"


def test_an_operator_repeats_it_as_a_report_of_their_own(api: Access) -> None:
    olga = api.person("olga", HERS, Role.OPERATOR)

    assert post(api, olga, rerun_of=first(api)["id"]).get_json()["owner"] == "olga"


def test_parameters_do_not_grow_beyond_a_request(api: Access, store: Store) -> None:
    large = {f"name-{number}": "x" * 200_000 for number in range(2)}
    new = NewReport(new_report_id(), "dowork", large, None, owner=api.ann.owner)
    store.ledger.accept(new)

    answer = post(api, api.ann, rerun_of=str(new.id))

    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "parameters"


def test_its_span_has_a_link_to_the_trace_of_before(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(spans, "tracer", lambda: provider.get_tracer("test"))
    earlier = store.ledger.accept(NewReport(new_report_id(), "dowork", {}, CARRIER))

    for repeated in (earlier, replace(earlier, carrier=None), None):
        with request_span("dowork", repeated):
            pass

    linked, untraced, new = exporter.get_finished_spans()
    (link,) = linked.links
    assert f"{link.context.trace_id:032x}" == CARRIER.trace_id
    which = {names.REPORT_RERUN_OF: str(earlier.id)}
    assert link.attributes == which
    assert dict(linked.attributes or {}) == {names.REPORT_KIND: "dowork", **which}
    assert (len(untraced.links), len(new.links)) == (0, 0)
    assert names.REPORT_RERUN_OF in (untraced.attributes or {})
    assert names.REPORT_RERUN_OF not in (new.attributes or {})
