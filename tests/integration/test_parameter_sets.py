"""Parameters are kept under a name, for their owner, or for all of its tenant."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.access import HERS, THEIRS, Access, Person, access
from tests.support.lifecycle_store import Store
from waybill.domain import Action, Role
from waybill.store import AuditFilter

pytest_plugins = ["tests.support.lifecycle_fixtures"]

SETS = "/api/v1/kinds/dowork/parameter-sets"


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path) as opened:
        yield opened


def ask(api: Access, by: Person, method: str, name: str = "", **options: Any) -> TestResponse:
    path = f"{SETS}/{name}" if name else SETS
    return api.client.open(path, method=method, headers=by.headers, **options)


def keep(api: Access, by: Person, name: str, parameters: Any, **more: Any) -> TestResponse:
    return ask(api, by, "PUT", name, json={"parameters": parameters, **more})


def names(api: Access, by: Person) -> list[tuple[str, str]]:
    found = ask(api, by, "GET").get_json()["parameter_sets"]
    return [(one["name"], one["owner"]) for one in found]


def test_a_set_is_kept_replaced_and_removed(api: Access) -> None:
    made = keep(api, api.ann, "a b é", {"steps": 1})
    assert made.status_code == 200, made.text
    assert made.get_json()["parameters"] == {"steps": 1}

    again = keep(api, api.ann, "a b é", {"steps": 2, "failing_step": None}).get_json()
    assert again["created_at"] == made.get_json()["created_at"] < again["updated_at"]
    assert ask(api, api.ann, "GET", "a b é").get_json() == again
    assert names(api, api.ann) == [("a b é", "ann")]

    assert ask(api, api.ann, "DELETE", "a b é").get_json() == again
    assert names(api, api.ann) == []
    for method in ("GET", "DELETE"):
        missing = ask(api, api.ann, method, "a b é")
        assert (missing.status_code, missing.get_json()["type"]) == (404, "/problems/no-such-parameters")


def test_what_is_not_shared_is_its_owners_alone(api: Access) -> None:
    bob, olga = api.person("bob", HERS, Role.REQUESTER), api.person("olga", HERS, Role.OPERATOR)
    keep(api, api.ann, "mine", {"steps": 1})

    for other in (bob, olga):
        assert names(api, other) == []
        assert ask(api, other, "GET", "mine").status_code == 404
        assert ask(api, other, "DELETE", "mine").status_code == 404
    assert names(api, api.ann) == [("mine", "ann")]


def test_what_is_shared_is_for_all_of_the_tenant(api: Access) -> None:
    olga, gil = api.person("olga", HERS, Role.OPERATOR), api.person("gil", THEIRS, Role.OPERATOR)
    assert keep(api, olga, "month-end", {"steps": 3}, shared=True).status_code == 200

    assert ask(api, api.ann, "GET", "month-end").get_json()["parameters"] == {"steps": 3}
    assert (names(api, api.ann), names(api, gil)) == ([("month-end", "olga")], [])
    assert ask(api, api.ann, "DELETE", "month-end").status_code == 404
    assert ask(api, gil, "DELETE", "month-end").status_code == 404

    keep(api, api.ann, "month-end", {"steps": 4})
    assert ask(api, api.ann, "GET", "month-end").get_json()["parameters"] == {"steps": 4}, "her own is first"
    assert names(api, api.ann) == [("month-end", "ann"), ("month-end", "olga")]
    another = api.person("oscar", HERS, Role.OPERATOR)
    assert ask(api, another, "DELETE", "month-end").get_json()["owner"] == "olga"
    assert names(api, api.ann) == [("month-end", "ann")]


def test_not_everybody_may_share(api: Access) -> None:
    refused = keep(api, api.ann, "ours", {}, shared=True)

    assert (refused.status_code, refused.get_json()["type"]) == (403, "/problems/not-allowed")
    assert names(api, api.ann) == []


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("x", {"parameters": {"steps": "many"}}, "parameters.steps"),
        ("x", {"parameters": {"unknown": 1}}, "parameters.unknown"),
        ("x", {"parameters": {"steps": 1.00000000000000000001}}, "parameters.steps"),
        ("x", {"parameters": {"a": "\0"}}, "parameters.a"),
        ("x", {"parameters": []}, "parameters"),
        ("x", {}, "parameters"),
        ("x", {"parameters": {}, "shared": 1}, "shared"),
        ("x", {"parameters": {}, "more": 1}, "more"),
        ("x" * 101, {"parameters": {}}, "name"),
        ("a%0Ab", {"parameters": {}}, "name"),
        ("%00", {"parameters": {}}, "name"),
    ],
)
def test_what_is_wrong_is_refused(api: Access, name: str, body: Any, field: str) -> None:
    if body.get("parameters") == {"steps": 1.00000000000000000001}:
        text = '{"parameters": {"steps": 1.00000000000000000001}}'
        answer = ask(api, api.ann, "PUT", name, data=text, content_type="application/json")
    else:
        answer = ask(api, api.ann, "PUT", name, json=body)

    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]
    assert names(api, api.ann) == []


def test_a_kind_that_is_none_is_refused(api: Access) -> None:
    path = "/api/v1/kinds/none/parameter-sets/x"
    answer = api.client.put(path, json={"parameters": {}}, headers=api.ann.headers)

    assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/no-such-kind")


def test_an_owner_has_a_bounded_number(api: Access) -> None:
    for number in range(100):
        api.services.parameter_sets.put(api.ann.owner, "dowork", str(number), {}, shared=False)

    refused = keep(api, api.ann, "one more", {})

    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "name")
    assert keep(api, api.ann, "7", {"steps": 1}).status_code == 200, "it replaces one"


def test_the_audit_has_it(api: Access) -> None:
    keep(api, api.ann, "mine", {})
    ask(api, api.ann, "DELETE", "mine")

    entries = api.services.ledger.audit(AuditFilter())
    assert [(one.event.action, one.event.subject, one.event.tenant) for one in entries][:2] == [
        (Action.REMOVE_PARAMETERS, "dowork: mine", HERS),
        (Action.SAVE_PARAMETERS, "dowork: mine", HERS),
    ]
