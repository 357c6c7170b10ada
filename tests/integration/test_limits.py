"""Limits of tenants and owners: a request beyond one is refused, and nothing is stored of it."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest import MonkeyPatch
from sqlalchemy import text

from tests.support.access import HERS, THEIRS, Access, Person, access
from tests.support.lifecycle_store import Policies, Store, engine_of
from tests.support.waiting import eventually
from waybill.artefacts import ArtefactStore
from waybill.domain import (
    End,
    Failure,
    FailureType,
    Fence,
    Holder,
    HolderLimits,
    LeasePolicy,
    Level,
    LimitName,
    LimitValues,
    NewReport,
    Owner,
    Reached,
    Report,
    Retry,
    Role,
    Status,
    StoredArtefact,
    new_report_id,
    values_for,
)
from waybill.ledger import IdempotencyKey, LimitReached
from waybill.ledger.batch import write_all
from waybill.ledger.writes import Acceptance
from waybill.store import StreamRows, direct
from waybill.store.statements import attempts, kept_bytes

pytest_plugins = ["tests.support.lifecycle_fixtures"]

ADA, BOB, GIL = Owner("acme", "ada"), Owner("acme", "bob"), Owner("globex", "gil")
OF_ADA, OF_ACME = Holder(Level.OWNER, "acme", "ada"), Holder(Level.TENANT, "acme")
EACH_OWNER, EACH_TENANT = Holder(Level.OWNER), Holder(Level.TENANT)
MINUTE = 60


def limit(store: Store, holder: Holder, **values: int) -> None:
    store.limits.set(HolderLimits(holder, LimitValues(**values)))


def request(store: Store, owner: Owner, key: str | None = None) -> Report:
    new = NewReport(new_report_id(), "dowork", {}, None, owner=owner)
    return store.ledger.accept(new, IdempotencyKey(key, "0" * 64, owner) if key else None)


def refused(store: Store, owner: Owner, key: str | None = None) -> Reached:
    with pytest.raises(LimitReached) as caught:
        request(store, owner, key)
    return caught.value.reached


def rows(store: Store) -> dict[str, int]:
    """How many there are of all that a request writes."""
    tables = ("reports", "report_changes", "publications", "idempotency_keys", "audit", "request_rates")
    with store.engine.connect() as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608
            for name in tables
        }


def claimed(store: Store, report: Report) -> Fence:
    found = store.claim(report.id)
    assert found is not None
    return Fence(report.id, found.attempt, "the test")


def done(store: Store, owner: Owner, size: int) -> Report:
    report = request(store, owner)
    artefact = StoredArtefact(f"{report.id}/a", "a.txt", "text/plain", size, "0" * 64)
    return store.ledger.finish(claimed(store, report), End(Status.DONE), [artefact])


# --- reports that wait


@pytest.mark.parametrize("key", [None, "monthly"], ids=["batch", "idempotent"])
def test_no_more_wait_of_an_owner_than_may(store: Store, key: str | None) -> None:
    limit(store, OF_ADA, max_queued=3)
    for _ in range(3):
        request(store, ADA)
    before = rows(store)

    found = refused(store, ADA, key)

    assert (found.name, found.level, found.max) == (LimitName.QUEUED, Level.OWNER, 3)
    assert rows(store) == before
    request(store, BOB)


def test_no_more_wait_of_a_tenant_than_may(store: Store) -> None:
    limit(store, OF_ACME, max_queued=3)
    for owner in (ADA, BOB, ADA):
        request(store, owner)

    found = refused(store, BOB)

    assert (found.name, found.level, found.max) == (LimitName.QUEUED, Level.TENANT, 3)
    request(store, GIL)


def test_whatever_it_waits_for_it_waits(store: Store) -> None:
    """For room, for a claim, and for a retry; not while it runs, and not once it has ended."""
    limit(store, OF_ADA, max_queued=12)
    reports = [request(store, ADA) for _ in range(12)]
    with store.engine.connect() as connection:
        kinds = connection.scalar(text("SELECT count(*) FROM reports WHERE enqueue_at > created_at"))
    assert 0 < kinds < 12, "some have a command, and others wait for room"
    assert refused(store, ADA).name is LimitName.QUEUED
    fence = claimed(store, reports[0])
    request(store, ADA)

    store.ledger.retry(fence, Retry(Failure(FailureType.ERROR, "again"), timedelta(minutes=1), counted=True))
    assert refused(store, ADA).name is LimitName.QUEUED

    store.ledger.cancel(reports[1].id)
    store.ledger.cancel(reports[2].id)
    request(store, ADA)


def test_a_limit_of_none_at_all_lets_nothing_in(store: Store) -> None:
    limit(store, OF_ADA, max_queued=0)

    assert refused(store, ADA).max == 0


# --- requests in a minute


def test_no_more_are_requested_in_a_minute_than_may(store: Store) -> None:
    limit(store, EACH_OWNER, max_requests_per_minute=4)
    for _ in range(4):
        request(store, ADA)

    found = refused(store, ADA)

    assert (found.name, found.level, found.max) == (LimitName.REQUESTS, Level.OWNER, 4)
    assert 0 < found.retry_after <= 15, "a token comes each quarter of a minute"
    request(store, BOB)


def test_after_the_time_that_is_said_there_is_a_token_and_not_before(store: Store) -> None:
    limit(store, OF_ADA, max_requests_per_minute=1)
    request(store, ADA)
    found = refused(store, ADA)

    store.pass_time(timedelta(seconds=found.retry_after - 20))
    assert 0 < refused(store, ADA).retry_after <= 20
    store.pass_time(timedelta(seconds=20))
    request(store, ADA)

    assert refused(store, ADA).name is LimitName.REQUESTS


def test_a_request_that_is_refused_takes_no_token(store: Store) -> None:
    limit(store, OF_ADA, max_requests_per_minute=3)
    limit(store, OF_ACME, max_queued=1, max_requests_per_minute=4)
    report = request(store, ADA)
    for _ in range(5):
        assert refused(store, ADA).level is Level.TENANT

    for _ in range(2):
        store.ledger.cancel(report.id)
        report = request(store, ADA)
    store.ledger.cancel(report.id)

    assert refused(store, ADA).name is LimitName.REQUESTS
    assert store.limits.usage(Level.TENANT, ADA)[1].requests == 3


def test_only_those_who_have_such_a_limit_have_a_row(store: Store) -> None:
    limit(store, OF_ADA, max_requests_per_minute=10)
    limit(store, EACH_TENANT, max_queued=10)
    for owner in (ADA, BOB, GIL):
        request(store, owner)

    assert rows(store)["request_rates"] == 1


def test_none_in_a_minute_lets_nothing_in(store: Store) -> None:
    limit(store, OF_ADA, max_requests_per_minute=0)

    assert refused(store, ADA).max == 0


# --- bytes that are kept


def kept(store: Store, level: Level, owner: Owner) -> int | None:
    return store.limits.usage(level, owner)[1].kept_bytes


def test_what_is_kept_counts_from_the_time_before_the_limit_to_its_removal(store: Store) -> None:
    old = done(store, ADA, 600)
    limit(store, OF_ADA, max_kept_bytes=1000)
    limit(store, EACH_TENANT, max_kept_bytes=5000)
    done(store, ADA, 300)
    done(store, BOB, 50)
    assert (kept(store, Level.OWNER, ADA), kept(store, Level.TENANT, ADA)) == (900, 950)
    assert kept(store, Level.OWNER, BOB) is None, "it has no limit"
    done(store, ADA, 100)

    found = refused(store, ADA)
    assert (found.name, found.level, found.max) == (LimitName.KEPT_BYTES, Level.OWNER, 1000)

    with store.engine.begin() as connection:
        age = text("UPDATE reports SET finished_at = finished_at - interval '31 days' WHERE id = :id")
        connection.execute(age, {"id": old.id})
    store.retention.remove_reports(store.artefacts)
    assert (kept(store, Level.OWNER, ADA), kept(store, Level.TENANT, ADA)) == (400, 450)
    request(store, ADA)


def test_reports_without_a_file_have_no_part_in_it(store: Store) -> None:
    limit(store, OF_ADA, max_kept_bytes=1000)
    fence = claimed(store, request(store, ADA))
    store.ledger.finish(fence, End(Status.FAIL, Failure(FailureType.ERROR, "no"), exhausted=False))

    assert kept(store, Level.OWNER, ADA) == 0


def test_only_those_who_have_a_limit_of_bytes_are_counted(store: Store) -> None:
    limit(store, OF_ADA, max_kept_bytes=1000, max_queued=5)
    done(store, BOB, 10)
    done(store, GIL, 10)
    with store.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept_bytes")) == 0
    done(store, ADA, 10)
    assert kept(store, Level.OWNER, ADA) == 10

    limit(store, OF_ADA, max_queued=5)

    with store.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept_bytes")) == 0


def test_set_again_it_is_counted_again(store: Store) -> None:
    done(store, ADA, 10)
    for _ in range(3):
        limit(store, OF_ADA, max_kept_bytes=1000)
        limit(store, EACH_OWNER, max_kept_bytes=2000)

    assert kept(store, Level.OWNER, ADA) == 10
    assert kept(store, Level.OWNER, BOB) == 0


def test_counts_at_once_count_once(store: Store) -> None:
    done(store, ADA, 10)

    with ThreadPoolExecutor(6) as pool:
        for holder in (OF_ADA, EACH_OWNER) * 6:
            pool.submit(limit, store, holder, max_kept_bytes=1000)

    assert kept(store, Level.OWNER, ADA) == 10


def test_ends_go_on_while_reports_are_counted_and_count_once(store: Store) -> None:
    done(store, ADA, 10)
    limit(store, OF_ADA, max_kept_bytes=1000)
    with ThreadPoolExecutor(1) as pool:
        with store.engine.begin() as another:  # a count that is under way
            another.exec_driver_sql(kept_bytes._ONE_COUNT)
            setting = pool.submit(limit, store, OF_ADA, max_kept_bytes=2000)
            eventually(lambda: locks_waited_for(store) == 1, "the other count waits")
            done(store, ADA, 20)
        setting.result()

    assert kept(store, Level.OWNER, ADA) == 30


def locks_waited_for(store: Store) -> int:
    with store.engine.connect() as connection:
        found: int = connection.execute(
            text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        ).scalar_one()
    return found


# --- all together


def test_the_same_request_gets_its_report_also_over_the_limit(store: Store) -> None:
    limit(store, OF_ADA, max_queued=1, max_requests_per_minute=1, max_kept_bytes=0)
    limit(store, OF_ADA, max_queued=1, max_requests_per_minute=1)
    first = request(store, ADA, "monthly")

    assert request(store, ADA, "monthly").id == first.id
    assert refused(store, ADA, "yearly").level is Level.OWNER


def test_a_limit_holds_and_ends_without_a_restart(store: Store, monkeypatch: MonkeyPatch) -> None:
    """And a request is one statement, but for the first after the first limit."""
    sent: list[str] = []
    send = direct.DirectConnection.send

    def note(self: direct.DirectConnection, statement: str, parameters: Any) -> Any:
        if statement in (attempts._INSERT, attempts._INSERT_ADMITTED):
            sent.append("admitted" if statement is attempts._INSERT_ADMITTED else "plain")
        return send(self, statement, parameters)

    monkeypatch.setattr(direct.DirectConnection, "send", note)
    request(store, ADA)
    limit(store, OF_ADA, max_queued=2)
    request(store, ADA)
    refused(store, ADA)
    request(store, BOB)
    assert sent == ["plain", "plain", "admitted", "admitted", "admitted"]
    limit(store, OF_ADA, max_queued=3)
    request(store, ADA)
    refused(store, ADA)
    sent.clear()

    store.limits.remove(OF_ADA)
    request(store, ADA)
    request(store, ADA)
    limit(store, EACH_TENANT, weight=5, max_running=1)
    request(store, ADA)

    assert sent == ["admitted", "plain", "plain"]


OWNERS = st.sampled_from([ADA, BOB, Owner("acme", "cy"), GIL])
HOLDERS = st.sampled_from(
    [
        EACH_TENANT,
        OF_ACME,
        EACH_OWNER,
        Holder(Level.OWNER, "acme"),
        OF_ADA,
        Holder(Level.OWNER, "globex", "gil"),
    ]
)
SMALL = st.none() | st.integers(0, 6)
LIMITS = st.dictionaries(
    HOLDERS,
    st.builds(LimitValues, max_queued=SMALL, max_requests_per_minute=SMALL, weight=st.none() | st.just(1)),
    max_size=5,
)


class Model:
    """What a limit lets in, one request after the other. Nothing leaves the queue, and no time passes."""

    def __init__(self, limits: Sequence[HolderLimits]) -> None:
        self._limits = limits
        self._admitted: Counter[tuple[Level, str, str]] = Counter()

    def asks(self, owner: Owner) -> tuple[Level, set[LimitName]] | None:
        """None where it is let in, else whose limits have no room for it, and which of them."""
        for level in (Level.TENANT, Level.OWNER):
            values = values_for(level, owner, self._limits)
            number = self._admitted[self._holder(level, owner)]
            maxima = {
                LimitName.QUEUED: values.max_queued,
                LimitName.REQUESTS: values.max_requests_per_minute,
            }
            full = {name for name, most in maxima.items() if most is not None and number >= most}
            if full:
                return level, full
        self._admitted.update(self._holder(level, owner) for level in Level)
        return None

    def _holder(self, level: Level, owner: Owner) -> tuple[Level, str, str]:
        return level, owner.tenant, owner.name if level is Level.OWNER else ""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limits=LIMITS, batches=st.lists(st.lists(OWNERS, min_size=1, max_size=12), max_size=4))
def test_what_is_let_in_together_is_what_is_let_in_one_after_the_other(
    store: Store, limits: dict[Holder, LimitValues], batches: list[list[Owner]]
) -> None:
    store.empty()
    given_limits = [HolderLimits(holder, values) for holder, values in limits.items()]
    for one in given_limits:
        store.limits.set(one)
    model = Model(given_limits)

    for batch in batches:
        writes = [Acceptance(NewReport(new_report_id(), "dowork", {}, None, owner=owner)) for owner in batch]
        with store.transactions.direct_changes(briefly=False) as changes:
            results = write_all(changes, writes, LeasePolicy())

        for owner, result in zip(batch, results, strict=True):
            expected = model.asks(owner)
            if expected is None:
                assert isinstance(result, Report), result
                assert result.owner == owner
            else:
                assert isinstance(result, LimitReached), result
                assert result.reached.level is expected[0]
                assert result.reached.name in expected[1]


@pytest.mark.parametrize("value", ["max_queued", "max_requests_per_minute"])
def test_those_that_come_at_once_exceed_a_limit_by_the_number_of_transactions_at_most(
    store: Store, store_url: str, tmp_path: Path, value: str
) -> None:
    """As from several processes. A limit of requests is exact once there was one."""
    processes, most = 4, 8
    limit(store, OF_ADA, **{value: most})
    request(store, ADA)
    start, began = Barrier(processes), time.monotonic()

    def process(number: int) -> list[bool]:
        with engine_of(store_url) as engine:
            own = Store(engine, ArtefactStore((tmp_path / str(number)).as_uri()), Policies())
            start.wait()
            return [is_let_in(own) for _ in range(most)]

    def is_let_in(own: Store) -> bool:
        try:
            request(own, ADA)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(processes) as pool:
        let_in = 1 + sum(one for found in pool.map(process, range(processes)) for one in found)

    come_back = math.ceil((time.monotonic() - began) * most / MINUTE) - 1
    beyond = come_back if value == "max_requests_per_minute" else processes - 1
    assert most <= let_in <= most + beyond


def waits_for_a_lock(store: Store) -> bool:
    with store.engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def test_tokens_that_were_taken_twice_are_owed(store: Store) -> None:
    """The first requests of all, in transactions that do not see each other."""
    limit(store, OF_ADA, max_requests_per_minute=2)
    with ThreadPoolExecutor(1) as pool:
        with store.transactions.changes() as first:
            news = [NewReport(new_report_id(), "dowork", {}, None, owner=ADA) for _ in range(2)]
            write_all(first, [Acceptance(new) for new in news], LeasePolicy())
            second = pool.submit(request, store, ADA)
            eventually(lambda: waits_for_a_lock(store) or None, "the second to wait for the first")
        second.result()

    assert refused(store, ADA).retry_after > 30, "one more than there were"


# --- by the API


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path) as opened:
        yield opened


def sends(api: Access, who: Person, method: str, path: str, **options: Any) -> Any:
    headers = {**options.pop("headers", {}), **who.headers}
    return api.client.open(path, method=method, headers=headers, **options)


@pytest.fixture
def root(api: Access) -> Person:
    return api.person("root", "default", Role.ADMIN)


def sets(api: Access, root: Person, **body: Any) -> Any:
    answer = sends(api, root, "PUT", "/api/v1/limits", json=body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/reports"), ("GET", "/api/report")])
def test_a_refusal_says_which_limit_and_when_to_try_again(
    api: Access, root: Person, method: str, path: str
) -> None:
    sets(api, root, level="owner", tenant=HERS, owner="ann", max_requests_per_minute=1)
    options: dict[str, Any] = {"json": {"kind": "dowork"}} if method == "POST" else {}
    assert sends(api, api.ann, method, path, **options).status_code == 202

    answer = sends(api, api.ann, method, path, **options)

    assert answer.status_code == 429
    assert answer.mimetype == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= MINUTE
    problem = answer.get_json()
    assert problem["type"] == "/problems/over-limit"
    assert (problem["limit"], problem["level"], problem["max"]) == ("requests_per_minute", "owner", 1)
    assert "At most 1 reports" in problem["detail"]


@pytest.mark.parametrize(
    ("name", "seconds"), [("max_queued", 5), ("max_requests_per_minute", 60), ("max_kept_bytes", 3600)]
)
def test_a_limit_of_0_lets_nothing_in(api: Access, root: Person, name: str, seconds: int) -> None:
    sets(api, root, level="tenant", tenant=HERS, **{name: 0})

    answer = sends(api, api.ann, "POST", "/api/v1/reports", json={"kind": "dowork"})

    problem = answer.get_json()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(seconds))
    assert (problem["limit"], problem["level"], problem["max"]) == (name.removeprefix("max_"), "tenant", 0)


def test_without_credentials_they_hold_for_everybody(store: Store, store_url: str, tmp_path: Path) -> None:
    limit(store, EACH_TENANT, max_queued=1)
    with access(store_url, tmp_path, auth="none") as api:
        codes = [api.client.post("/api/v1/reports", json={"kind": "dowork"}).status_code for _ in range(2)]

    assert codes == [202, 429]


def test_limits_are_set_listed_and_removed(api: Access, root: Person) -> None:
    auditor = api.person("audrey", HERS, Role.AUDITOR)
    elsewhere = api.person("oleg", THEIRS, Role.OPERATOR)
    made = sets(api, root, level="tenant", tenant=HERS, max_queued=10, weight=3)
    sets(api, root, level="owner", max_streams=4)
    assert made == {
        **{"level": "tenant", "tenant": HERS, "owner": None, "weight": 3, "max_queued": 10},
        **dict.fromkeys(("max_running", "max_requests_per_minute", "max_streams", "max_kept_bytes")),
    }

    def listed(by: Person) -> list[tuple[str, str | None]]:
        found = sends(api, by, "GET", "/api/v1/limits").get_json()["limits"]
        return [(one["level"], one["tenant"]) for one in found]

    assert listed(root) == listed(auditor) == [("tenant", HERS), ("owner", None)]
    assert listed(elsewhere) == [("owner", None)]

    query = {"level": "tenant", "tenant": HERS}
    assert sends(api, root, "DELETE", "/api/v1/limits", query_string=query).get_json() == made
    again = sends(api, root, "DELETE", "/api/v1/limits", query_string=query)
    assert (again.status_code, again.get_json()["type"]) == (404, "/problems/no-such-limits")
    entries = sends(api, auditor, "GET", "/api/v1/audit").get_json()["entries"]
    assert [(one["action"], one["subject"]) for one in entries if "limits" in one["action"]] == [
        ("remove_limits", "tenant acme: weight=3 max_queued=10"),
        ("set_limits", "tenant acme: weight=3 max_queued=10"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"level": "king"}, {"level": "tenant"}, {"level": "tenant", "owner": "ann", "max_queued": 1}),
        *({"level": "owner", "owner": "ann", "max_queued": 1}, {"level": "tenant", "max_queued": -1}),
        *({"level": "tenant", "weight": 0}, {"level": "tenant", "weight": 101}),
        *({"level": "tenant", "tenant": "Acme", "max_queued": 1}, {"level": "tenant", "tenant": "\0"}),
        *({"level": "tenant", "max_queued": 2**31}, {"level": "tenant", "max_kept_bytes": 2**63}),
        {"level": "tenant", "max_queued": 1, "more": 1},
    ],
)
def test_limits_that_cannot_be_are_refused(api: Access, root: Person, body: dict[str, Any]) -> None:
    answer = sends(api, root, "PUT", "/api/v1/limits", json=body)

    assert answer.status_code == 422, answer.text


def test_usage_is_what_there_is_now(api: Access, root: Person) -> None:
    operator = api.person("olga", HERS, Role.OPERATOR)
    sets(api, root, level="owner", max_requests_per_minute=4, max_kept_bytes=100)
    for _ in range(3):
        report = api.requested(api.ann)
    claimed = api.services.ledger.claim(report.id, "the test", alone=True)
    assert claimed is not None

    path = "/api/v1/limits/usage"
    hers = sends(api, operator, "GET", path, query_string={"owner": "ann"}).get_json()
    of_all = sends(api, operator, "GET", path).get_json()

    assert hers["limits"]["max_requests_per_minute"] == 4
    assert {name: hers[name] for name in ("queued", "running", "requests", "streams", "kept_bytes")} == {
        "queued": 2,
        "running": 1,
        "requests": 3,
        "streams": 0,
        "kept_bytes": 0,
    }
    assert (of_all["queued"], of_all["running"], of_all["requests"], of_all["kept_bytes"]) == (2, 1, 0, None)
    assert sends(api, operator, "GET", path, query_string={"tenant": THEIRS}).status_code == 404
    assert sends(api, root, "GET", path, query_string={"tenant": THEIRS}).get_json()["queued"] == 0


def test_a_stream_beyond_the_limit_is_refused_until_another_ends(api: Access, root: Person) -> None:
    sets(api, root, level="owner", max_streams=1)
    events = f"/api/v1/reports/{api.requested(api.ann).id}/events"
    opened = sends(api, api.ann, "GET", events, buffered=False)
    next(iter(opened.response))

    second = sends(api, api.ann, "GET", events)

    assert second.status_code == 429
    assert second.headers["Retry-After"] == "5"
    assert (second.get_json()["limit"], second.get_json()["max"]) == ("streams", 1)
    opened.close()
    third = sends(api, api.ann, "GET", events, buffered=False)
    assert third.status_code == 200
    third.close()


def test_streams_of_other_processes_count_while_these_live(store: Store) -> None:
    first, second = StreamRows(store.engine, "first"), StreamRows(store.engine, "second")
    room = {Level.OWNER: 1}
    assert first.open(ADA, 1, room) == {Level.TENANT: 0, Level.OWNER: 0}
    assert second.open(BOB, 1, {}) == {Level.TENANT: 1, Level.OWNER: 0}
    assert second.open(ADA, 1, room) == {Level.TENANT: 1, Level.OWNER: 1}
    assert first.open(ADA, 2, {Level.OWNER: 0}) == {Level.TENANT: 2, Level.OWNER: 1}, "and is not counted"
    assert second.open(ADA, 1, room)[Level.OWNER] == 1
    assert store.limits.usage(Level.TENANT, ADA)[1].streams == 3

    first.write({})
    assert second.open(ADA, 1, room)[Level.OWNER] == 0
    store.pass_time(timedelta(seconds=16))

    assert first.open(ADA, 1, room) == {Level.TENANT: 0, Level.OWNER: 0}


def test_a_waiting_report_of_nobody_in_particular_is_no_ones_limit(api: Access, root: Person) -> None:
    """A limit of one owner does not count those of another of the same name."""
    sets(api, root, level="owner", tenant=HERS, owner="ann", max_queued=1)
    other = api.person("ann", THEIRS, Role.REQUESTER)
    api.requested(api.ann)

    assert isinstance(api.requested(other).id, UUID)
    assert sends(api, api.ann, "POST", "/api/v1/reports", json={"kind": "dowork"}).status_code == 429
