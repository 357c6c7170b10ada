"""A thousand reports are cancelled by one operation, while workers run and the API is killed half-way."""

from typing import Any

import httpx
from sqlalchemy import text

from tests.support import lifecycle as ask
from tests.support.lifecycle_stack import API, LifecycleStack
from tests.support.lifecycle_store import Store
from tests.support.waiting import eventually

pytest_plugins = ["tests.support.lifecycle_fixtures"]

MANY, OTHERS = 1000, 20
TAG = "to-be-cancelled"

FILL = """
INSERT INTO reports (id, kind, parameters, tags, tenant, owner, enqueue_at, created_at)
SELECT gen_random_uuid(), 'slow', CAST(:parameters AS jsonb), CAST(:tags AS text[]), :tenant, 'mass', at, at
FROM generate_series(1, :number) AS number,
    LATERAL (SELECT clock_timestamp() + number * interval '1 microsecond') AS request (at)
"""


def fill(store: Store, number: int, tag: str, tenant: str = "default", **parameters: Any) -> None:
    given = ", ".join(f'"{name}": {value}' for name, value in parameters.items())
    values = {"parameters": f"{{{given}}}", "tags": f"{{{tag}}}", "tenant": tenant, "number": number}
    with store.engine.begin() as connection:
        connection.execute(text(FILL), values)


def statuses(store: Store, tag: str, tenant: str = "default") -> dict[str, int]:
    statement = text(
        "SELECT status, count(*) FROM reports WHERE tags = ARRAY[:tag] AND tenant = :tenant GROUP BY status"
    )
    with store.engine.connect() as connection:
        found = connection.execute(statement, {"tag": tag, "tenant": tenant})
        return {row[0]: row[1] for row in found}


def test_a_thousand_are_cancelled_although_the_api_is_killed(
    api: httpx.Client, lifecycle: LifecycleStack, lifecycle_store: Store
) -> None:
    store = lifecycle_store
    fill(store, MANY, TAG, steps=100, seconds=1)
    fill(store, OTHERS, "another", steps=1, seconds=0)
    fill(store, OTHERS, TAG, tenant="elsewhere", steps=1, seconds=0)
    eventually(lambda: statuses(store, TAG).get("processing") or None, "some that run")
    wanted = {"tag": TAG, "kind": ["slow"], "parameter": {"steps": "100"}}

    with store.engine.begin() as connection:
        # the operation waits for it at its end
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        held = connection.execute(
            text("SELECT id FROM reports WHERE tags = ARRAY[:tag] AND status = 'init' LIMIT 1 FOR UPDATE"),
            {"tag": TAG},
        ).scalar_one()
        answer = api.post("/api/v1/operations", json={"action": "cancel", "filter": wanted})
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        address = answer.headers["Location"]
        eventually(lambda: api.get(address).json()["done"] or None, "a page that is done")
        with lifecycle.killed(API):
            found = statuses(store, TAG)
            assert found["cancelled"]
            assert found["init"]
    assert ask.ended(api, held)["status"] == "cancelled"

    operation = eventually(
        lambda: one if (one := api.get(address).json())["state"] != "running" else None, "its end"
    )
    assert (operation["state"], operation["matched"]) == ("done", MANY)
    assert operation["done"] == MANY, operation
    eventually(lambda: statuses(store, TAG) == {"cancelled": MANY} or None, "the end of those that ran")
    for tag, tenant in (("another", "default"), (TAG, "elsewhere")):
        eventually(lambda: statuses(store, tag, tenant) == {"done": OTHERS} or None, "their end")  # noqa: B023
    with store.engine.connect() as connection:
        twice = text(
            "SELECT count(*) FROM report_events JOIN reports ON reports.id = report_id"
            " WHERE tags = ARRAY[:tag] AND report_events.data ->> 'status' = 'cancelled'"
            " GROUP BY report_id HAVING count(*) > 1"
        )
        assert connection.execute(twice, {"tag": TAG}).all() == []
