"""One key, one report: a client may ask again, as often as it likes, whatever became of its first request."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from tests.support import lifecycle as ask
from tests.support.database import Database
from tests.support.lifecycle_store import Store
from tests.support.problems import problem

pytest_plugins = ["tests.support.lifecycle_fixtures"]

QUICK = {"steps": 1, "seconds": 0}


@pytest.fixture
def key() -> str:
    return f"key-{uuid4()}"


def reports_of(database: Database, key: str) -> int:
    return len(database.rows("SELECT 1 FROM idempotency_keys WHERE key = :key", key=key))


def test_the_same_request_gets_the_same_answer(api: httpx.Client, key: str) -> None:
    first = ask.post(api, "slow", key=key, **QUICK)
    assert first.status_code == httpx.codes.ACCEPTED
    ask.ended(api, first.json()["id"])

    again = ask.post(api, "slow", key=key, **QUICK)

    assert again.status_code == httpx.codes.ACCEPTED
    assert again.headers["Location"] == first.headers["Location"]
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["status"] == "done", "it is the report as it is now"


def test_a_quoted_key_is_the_bare_one(api: httpx.Client, key: str) -> None:
    bare = ask.post(api, "slow", key=key, **QUICK)
    quoted = ask.post(api, "slow", key=f'"{key}"', **QUICK)

    assert bare.json()["id"] == quoted.json()["id"]


def test_parameters_in_another_order_are_the_same_request(api: httpx.Client, key: str) -> None:
    one = ask.post(api, "slow", key=key, steps=1, seconds=0)
    other = ask.post(api, "slow", key=key, seconds=0, steps=1)

    assert one.json()["id"] == other.json()["id"]


@pytest.mark.parametrize(
    "other",
    [{"kind": "slow", "steps": 2, "seconds": 0}, {"kind": "slow", **QUICK, "timeout_seconds": 9}],
    ids=["parameters", "time-out"],
)
def test_another_request_is_refused(api: httpx.Client, key: str, other: ask.Json) -> None:
    first = ask.post(api, "slow", key=key, **QUICK)

    problem(ask.post(api, key=key, **other), 422, "key-reused")

    assert ask.post(api, "slow", key=key, **QUICK).json()["id"] == first.json()["id"]


def test_another_kind_is_refused(api: httpx.Client, key: str) -> None:
    ask.post(api, "permanent", key=key)

    problem(ask.post(api, "slow", key=key), 422, "key-reused")


def test_a_request_under_way_is_told_apart(
    api: httpx.Client, lifecycle_store: Store, lifecycle_database: Database, key: str
) -> None:
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 0))"
    with lifecycle_store.engine.begin() as first:
        first.exec_driver_sql(lock, {"key": key})

        answer = ask.post(api, "slow", key=key, **QUICK)

        problem(answer, 409, "request-in-flight")
        assert int(answer.headers["Retry-After"]) >= 1
        assert reports_of(lifecycle_database, key) == 0

    assert ask.post(api, "slow", key=key, **QUICK).status_code == httpx.codes.ACCEPTED


@pytest.mark.parametrize(
    "bad", ["", '""', '"', '"open', 'with"quote', "two words", "x" * 256, "back\\slash", "tab\there"]
)
def test_a_key_that_is_none_is_refused(api: httpx.Client, lifecycle_database: Database, bad: str) -> None:
    before = lifecycle_database.count("reports")

    problem(ask.post(api, "slow", key=bad, **QUICK), 422, "wrong-request")

    assert lifecycle_database.count("reports") == before


def test_a_wrong_request_uses_no_key(api: httpx.Client, key: str) -> None:
    problem(ask.post(api, "slow", key=key, steps=0), 422, "wrong-request")

    assert ask.post(api, "slow", key=key, **QUICK).status_code == httpx.codes.ACCEPTED


def test_many_at_once_make_one_report(api: httpx.Client, lifecycle_database: Database, key: str) -> None:
    before = lifecycle_database.count("reports")

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: ask.post(api, "slow", key=key, **QUICK), range(30)))

    accepted = [answer for answer in answers if answer.status_code == httpx.codes.ACCEPTED]
    others = {answer.status_code for answer in answers} - {httpx.codes.ACCEPTED}
    assert len({answer.json()["id"] for answer in accepted}) == 1
    assert others <= {httpx.codes.CONFLICT}, "who came too early is told to come again"
    assert lifecycle_database.count("reports") == before + 1


def test_a_key_is_kept_for_a_day(
    api: httpx.Client, lifecycle_store: Store, lifecycle_database: Database, key: str
) -> None:
    first = ask.post(api, "slow", key=key, **QUICK).json()["id"]
    made = (
        "UPDATE idempotency_keys SET created_at = clock_timestamp() - CAST(:age AS interval) WHERE key = :key"
    )

    lifecycle_database.execute(made, age="23 hours 59 minutes", key=key)
    lifecycle_store.retention.remove_expired()
    assert ask.post(api, "slow", key=key, **QUICK).json()["id"] == first

    lifecycle_database.execute(made, age=timedelta(hours=24, minutes=1), key=key)
    lifecycle_store.retention.remove_expired()
    second = ask.post(api, "slow", key=key, steps=2, seconds=0)
    assert second.status_code == httpx.codes.ACCEPTED
    assert second.json()["id"] != first
