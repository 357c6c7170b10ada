"""A report has the tags that it was requested with."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.access import Access, access
from tests.support.lifecycle_store import Store
from waybill.domain import NewReport, new_report_id
from waybill.ledger import IdempotencyKey

pytest_plugins = ["tests.support.lifecycle_fixtures"]

REPORTS = "/api/v1/reports"


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path) as opened:
        yield opened


def request(api: Access, tags: Any, key: str | None = None) -> Any:
    headers = {**api.ann.headers, **({"Idempotency-Key": key} if key else {})}
    return api.client.post(REPORTS, json={"kind": "dowork", "tags": tags}, headers=headers)


def test_tags_are_on_the_report_and_in_the_list(api: Access) -> None:
    tags = ["month-end", "sales", "Zürich 🙂", "x" * 50]

    made = request(api, tags).get_json()

    assert made["tags"] == tags
    assert api.client.get(f"{REPORTS}/{made['id']}", headers=api.ann.headers).get_json()["tags"] == tags
    (listed,) = api.client.get(REPORTS, headers=api.ann.headers).get_json()["reports"]
    assert listed["tags"] == tags


def test_without_any_the_list_is_empty(api: Access) -> None:
    assert request(api, []).get_json()["tags"] == []
    api.requested(api.ann)
    listed = api.client.get(REPORTS, headers=api.ann.headers).get_json()["reports"]
    assert [report["tags"] for report in listed] == [[], []]


@pytest.mark.parametrize(
    "wrong",
    [
        *("sales", [1], [""], ["x" * 51], ["a", "a"], ["a\nb"], ["a\n"], ["\0"], ["\x9b31m"], ["\ud800"]),
        [str(number) for number in range(21)],
    ],
    ids=repr,
)
def test_tags_that_cannot_be_are_refused(api: Access, wrong: Any) -> None:
    answer = request(api, wrong)

    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"].startswith("tags")
    assert api.client.get(REPORTS, headers=api.ann.headers).get_json()["reports"] == []


def test_tags_that_are_given_are_part_of_an_idempotent_request(api: Access) -> None:
    first = request(api, ["a"], "monthly").get_json()

    assert request(api, ["a"], "monthly").get_json()["id"] == first["id"]
    assert request(api, ["b"], "monthly").get_json()["type"] == "/problems/key-reused"


def test_tags_that_are_not_given_are_no_part_of_it(api: Access) -> None:
    """Processes of the version before do not know them, and answer the same request with the same report."""
    body: dict[str, Any] = {"kind": "dowork", "parameters": {}, "timeout_seconds": None}
    sha256 = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    new = NewReport(new_report_id(), "dowork", {}, None, owner=api.ann.owner)
    api.services.ledger.accept(new, IdempotencyKey("monthly", sha256, api.ann.owner))

    assert api.requested(api.ann, **{"Idempotency-Key": "monthly"}).id == new.id
