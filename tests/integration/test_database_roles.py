"""API and worker each have the least rights in the database: all that they need, and nothing else."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text

from local.parts.postgres import API_ROLE, WORKER_ROLE, as_role
from local.stack import Stack
from tests.support import lifecycle as ask
from tests.support.checkout import ROOT
from tests.support.database import Database
from tests.support.lifecycle_stack import API as API_PART
from tests.support.lifecycle_stack import WORKER as WORKER_PART
from tests.support.lifecycle_stack import lifecycle_stack
from tests.support.lifecycle_store import Policies, Store, attempt_trace, engine_of, own_database
from tests.support.required_rights import ANY, engine_that_notes
from waybill.artefacts import ArtefactStore
from waybill.domain import (
    Actor,
    DeliveryPolicy,
    DeliveryStatus,
    End,
    EvidencePolicy,
    Failure,
    FailureType,
    Fence,
    Holder,
    HolderLimits,
    Level,
    LimitValues,
    NewLogChunk,
    NewReport,
    OperationAction,
    Origin,
    Owner,
    Progress,
    Report,
    Retry,
    RetryPolicy,
    Role,
    Scope,
    Status,
    StepChange,
    StepResult,
    StepStatus,
    StepTaken,
    StoredArtefact,
    StoredFile,
    TryOutcome,
    new_report_id,
)
from waybill.ledger import IdempotencyKey, NotRedrivable, UnreadMessage, Wanted
from waybill.messages import UnreadableMessage
from waybill.store import (
    AuditFilter,
    DeadLetterFilter,
    OutboxMessage,
    ReportFilter,
    StreamRows,
    UnsuitableDatabase,
    WantedLog,
    WorkerRow,
    check_rights,
    check_schema,
)
from waybill.store.grants import RELATIONS, SEQUENCES, grant, granted, held
from waybill.store.migrate import migrate
from waybill.store.rights import API, WORKER, Right, Rights, check_rights_on
from waybill.store.statements import operations, outbox, publications, records

ROLES: Mapping[str, Rights] = {API_ROLE: API, WORKER_ROLE: WORKER}
PAGE = ROOT / "docs/security.md"
WRITE = "WAYBILL_WRITE_DOCS"
TABLE = re.compile(r"(?<=<!-- rights -->\n).*?(?=<!-- end -->)", re.DOTALL)

SERVICE_ROLES = {rights.service: role for role, rights in ROLES.items()}
VIEW = "report_events"

ANN = Owner("acme", "ann")
ACTOR = Actor(ANN, "the test")
NOW = timedelta(0)
DAY = timedelta(days=1)
DELIVERIES = DeliveryPolicy((DAY,))
DIGEST = "0" * 64
STEP = StepTaken(StepChange("a step", StepStatus.RUNNING), Progress("a step", 0, 1))
FAILED = Failure(FailureType.ERROR, "Something wrong!")


@dataclass(frozen=True)
class Services:
    """Of one database: the stores of API and worker, each as its role, and that of the tables' owner."""

    url: str
    api: Store
    worker: Store
    owner: Store
    required: Mapping[str, set[Right]]


@pytest.fixture(scope="module")
def granted_url(stack: Stack) -> Iterator[str]:
    """A database whose roles have their rights."""
    with own_database(stack.endpoints.database_url, "roles") as url:
        with engine_of(url) as engine:
            migrate(engine, ROLES)
        yield url


@pytest.fixture
def owner(granted_url: str) -> Iterator[Database]:
    with engine_of(granted_url) as engine:
        yield Database(engine)


@pytest.fixture
def services(granted_url: str, owner: Database, tmp_path: Path) -> Iterator[Services]:
    policies = Policies(retry=RetryPolicy(max_losses=1), evidence=EvidencePolicy(4096, 1))
    artefacts = ArtefactStore(tmp_path.as_uri())
    with ExitStack() as opened:
        engines = {
            role: opened.enter_context(engine_that_notes(as_role(granted_url, role), owner)) for role in ROLES
        }
        yield Services(
            granted_url,
            Store(engines[API_ROLE][0], artefacts, policies),
            Store(engines[WORKER_ROLE][0], artefacts, policies),
            Store(owner.engine, artefacts, policies),
            {role: required.rights for role, (_, required) in engines.items()},
        )


# --- what the services do, each as its role


def new(**more: Any) -> NewReport:
    return NewReport(new_report_id(), "slow", {}, None, owner=ANN, **more)


def accepted(store: Store, **more: Any) -> Report:
    return store.ledger.accept(new(**more))


def claimed(services: Services, **more: Any) -> Fence:
    report = services.worker.claim(accepted(services.api, **more).id, spans=attempt_trace())
    assert report is not None
    return Fence(report.id, report.attempt, "the test")


def has_results(services: Services) -> Fence:
    """Of a report whose steps have stored a value and a file."""
    fence = claimed(services)
    file = StoredFile("key", "a.txt", 3, "0" * 64)
    for name, value, stored in (("a step", "1", None), ("another", None, file)):
        result = StepResult(name, DIGEST, fence.attempt, value, stored, None)
        services.worker.ledger.steps(fence, [replace(STEP, result=result)])
    return fence


def unread(offset: int) -> UnreadMessage:
    origin = Origin("report", 0, offset)
    return UnreadMessage(f"report/0/{offset}@0", origin, b"key", b"value" * 100, [("a", b"b")], None)


def operates(services: Services, scope: Scope) -> None:
    """On many reports, and on one."""
    api = services.api
    done = accepted(api)
    assert api.ledger.cancel(done.id)
    for wanted in (
        Wanted(OperationAction.CANCEL, scope, ReportFilter(tag="none", scope=scope)),
        Wanted(OperationAction.RETRY, scope, ReportFilter(kinds=["none"], scope=scope)),
        Wanted(OperationAction.DELETE, scope, ids=[done.id]),
    ):
        started = api.operations.start(wanted, api.operations.count(wanted), ANN, "the test")
        assert api.operations.get(started.id) == started
    while api.operations.work():
        pass
    assert api.ledger.get(done.id) is None
    with api.transactions.reading() as connection:
        operations.fail(connection, started.id, "a test")


def api_does(services: Services) -> None:
    """What its routes and its probes do."""
    api = services.api
    check_schema(api.engine)
    check_rights(api.engine, API)
    for level in Level:
        limits = LimitValues(1, 1000, 1000, 1000, 1000, 10**9)
        api.limits.set(HolderLimits(Holder(level, "acme"), limits), ACTOR)
    for shared in (False, True):
        api.parameter_sets.put(ANN, "slow", "a set", {}, shared=shared, actor=ACTOR)
    assert api.parameter_sets.usable(ANN, "slow")
    assert api.parameter_sets.remove(ANN, "slow", "a set", lambda _: False, ACTOR)
    for shared in (False, True):
        api.saved_views.put(ANN, "a view", {"tag": "a"}, shared=shared, actor=ACTOR)
    assert api.saved_views.usable(ANN)
    assert api.saved_views.remove(ANN, "a view", lambda _: True, ACTOR)
    report, key = accepted(api), IdempotencyKey("monthly", "0" * 64, ANN)
    first = api.ledger.accept(new(), key)
    assert api.ledger.accept(new(), key).id == first.id
    scope = Scope("acme", "ann")
    assert api.ledger.page(ReportFilter(scope=scope, before=report.id)) is not None
    assert api.ledger.get(report.id) == report
    assert api.ledger.events_after(report.id, 0, 10)
    assert api.ledger.events_after_each({report.id: 0}, 10)
    assert api.report_logs.page(WantedLog(report.id, attempt=1), None, 10) == ([], False)
    services.api.ledger.definitions.keep(DIGEST, "query:sales", "a text")
    assert api.choice_lists.want(DIGEST).content is None
    assert api.overview.figures(scope).kinds
    assert api.overview.of_kinds(scope)
    assert (api.previews.get(report, "a.csv"), api.previews.names(report)) == (None, set())
    assert api.dead_letters.reasons(scope, 10) is not None
    assert api.ledger.cancel(report.id, ACTOR)
    assert api.ledger.cancel(claimed(services).report_id, ACTOR)
    assert api.dead_letters.redrive(report.id, None, ACTOR, from_start=True)
    operates(services, scope)
    assert api.estimates.of(report) is None
    api.ledger.note_download(report, ACTOR)
    assert api.ledger.audit(AuditFilter(scope=scope))
    failed = claimed(services)
    services.worker.ledger.finish(
        failed, End(Status.FAIL, FAILED, exhausted=True), origin=Origin("report", 0, 1)
    )
    services.worker.dead_letters.keep(unread(7), UnreadableMessage("not_json", "It is no JSON."))
    assert api.dead_letters.page(DeadLetterFilter(before=report.id)) is not None
    for wanted in (DeadLetterFilter(scope=scope), DeadLetterFilter(reports_first=True)):
        for letter in api.dead_letters.page(wanted):
            assert api.dead_letters.beginning(letter.id, 10)
            with suppress(NotRedrivable):  # of a message that still cannot be read
                api.dead_letters.redrive_letter(letter, ACTOR)
    redriven = api.ledger.get(failed.report_id)
    assert redriven is not None
    assert redriven.status is Status.INIT
    streams = StreamRows(api.engine, "the test")
    streams.open(ANN, 1, {})
    streams.write({ANN: 2})
    for level in Level:
        assert api.limits.usage(level, ANN)[0].values.max_kept_bytes == 10**9
        assert api.limits.remove(Holder(level, "acme"), ACTOR)
    made, secret = api.api_keys.create(ACTOR, "a key", ANN, {Role.REQUESTER}, DAY)
    assert api.api_keys.usable(secret) is not None
    assert api.api_keys.page()
    assert api.api_keys.rotate(ACTOR, made.id)
    assert api.api_keys.revoke(ACTOR, made.id)
    called = api.ledger.accept(new(webhook="https://example.com/"))
    assert api.ledger.cancel(called.id)
    (due,) = api.webhooks.claim(DELIVERIES, 10, {})
    assert api.webhooks.ended(DELIVERIES, due, TryOutcome(200)) is DeliveryStatus.DELIVERED
    assert api.webhooks.of([due.report, replace(due.report, webhook=due.url)])
    api.kind_limits.limit(ACTOR, "dowork", 3)
    api.kind_limits.pause(ACTOR, "dowork", "a test")
    assert accepted(api).status is Status.INIT, "it waits for its kind"
    api.kind_limits.resume(ACTOR, "dowork")
    api.kind_limits.limit(ACTOR, "dowork", None)
    api.recovery.requeue_due()
    api.ledger.definitions.keep(DIGEST, "query:sales", "a text")


def worker_does(services: Services) -> None:
    """What its consumer, its slots and its probes do."""
    worker, ledger = services.worker, services.worker.ledger
    check_schema(worker.engine)
    check_rights(worker.engine, WORKER)
    row = WorkerRow(worker.engine, "the test", 2)
    row.write(3)
    row.write(4)
    for offset in (1, 2):
        worker.dead_letters.keep(unread(offset), UnreadableMessage("not_json", "It is no JSON."))
    external = ledger.accept_external(new(source="report/0/3@0"))
    assert ledger.accept_external(new(source="report/0/3@0")).id == external.id
    assert ledger.get_with_age(external.id)
    ledger.postpone(external.id, NOW)
    services.owner.limits.set(HolderLimits(Holder(Level.TENANT, "acme"), LimitValues(max_kept_bytes=10**9)))
    fence = claimed(services)
    ledger.heartbeat(fence)
    services.api.ledger.definitions.keep(DIGEST, "query:sales", "a text")
    assert ledger.definitions.text(DIGEST) == "a text"
    ledger.steps(fence, [STEP])
    worker.report_logs.write([NewLogChunk(fence.report_id, fence.attempt, 1, [{"text": "a line"}], 100)])
    worker.report_logs.trim([fence.report_id], 50)
    services.api.choice_lists.want(DIGEST)
    assert worker.choice_lists.due()
    worker.choice_lists.put(DIGEST, "{}")
    worker.previews.keep(fence.report_id, fence.attempt, {"a.csv": "{}"})
    assert ledger.cancelled_attempts("the test") is not None
    ledger.finish(fence, End(Status.DONE), [StoredArtefact("key", "a.txt", "text/plain", 3, "0" * 64)])
    ledger.finish(claimed(services), End(Status.FAIL, FAILED, exhausted=True), origin=Origin("report", 0, 2))
    ledger.finish(claimed(services, webhook="https://example.com/"), End(Status.DONE))
    ledger.retry(claimed(services), Retry(FAILED, NOW))
    ledger.release(claimed(services))
    first = has_results(services)
    ledger.release(first)
    again = services.worker.claim(first.report_id)
    assert again is not None
    assert again.has_step_results
    assert len(ledger.step_results(again.id, DIGEST)) == 2
    end_with_results(services, replace(first, attempt=again.attempt))
    row.remove()


def end_with_results(services: Services, fence: Fence) -> None:
    services.worker.ledger.finish(fence, End(Status.DONE), has_step_results=True)


def both_do(store: Store, services: Services) -> None:
    """Recovery, retention and the relay, each of which any process may do."""
    for task in ("recovery", "retention"):
        lease = store.lease_of_task(task, timedelta(minutes=1))
        assert lease.hold()
        lease.release()
    claimed(services)
    services.worker.ledger.retry(claimed(services), Retry(FAILED, NOW))
    accepted(services.api)
    services.owner.pass_time(timedelta(hours=1))
    assert store.recovery.is_due(NOW)
    assert store.recovery.requeue_due()
    lost = store.recovery.recover_lost(NOW)
    assert {one.now.status for one in lost} >= {Status.FAIL}, "with a dead letter"
    store.recovery.waiting()
    store.recovery.backlog()
    relays(store, services)
    end_with_results(services, has_results(services))
    assert store.retention.remove_step_results(store.artefacts).removed
    kept = services.api.ledger.accept(new(), IdempotencyKey(str(new_report_id()), "0" * 64, ANN))
    services.api.ledger.note_download(kept, ACTOR)
    services.owner.pass_time(400 * DAY)
    assert store.retention.remove_expired()
    assert store.retention.remove_reports(store.artefacts).removed
    assert store.retention.remove_audit()
    relays(store, services)  # what tells the topic to forget them


def relays(store: Store, services: Services) -> None:
    waits, refused = accepted(services.api), accepted(services.api)
    with store.transactions.changes() as changes:
        changes.refuse(OutboxMessage(store.topics.report, str(refused.id), {}), "too large")
        changes.republish_latest([str(waits.id)])
    services.owner.pass_time(timedelta(seconds=10))
    with store.transactions.changes() as changes:
        connection = changes.connection
        left = publications.lock_old(connection, NOW, 100)
        assert left
        publications.lock_any(connection, NOW, 100)
        publications.waiting(connection, [str(waits.id)])
        publications.remove(connection, [one.row for one in left[1:]])
        records.put(connection, [], [], [left[0].row], [str(waits.id)])()
        messages = outbox.lock_old(connection, NOW, 100)
        outbox.lock_any(connection, NOW, 100)
        outbox.waiting(connection, [str(waits.id)])
        outbox.remove(connection, messages)


def test_each_service_does_all_it_does_with_its_rights_and_needs_each_of_them(services: Services) -> None:
    """PostgreSQL itself says which it requires: it prints what it checks before it executes a plan."""
    api_does(services)
    worker_does(services)
    both_do(services.api, services)
    both_do(services.worker, services)

    found = {}
    with services.owner.engine.connect() as connection:
        for role, rights in ROLES.items():
            wanted = {right for right in granted(connection, rights) if right.relation in RELATIONS}
            required = services.required[role]
            exactly = {right for right in required if right.column != ANY}
            some = {(right.relation, right.privilege) for right in required - exactly}
            # To lock or count rows, a right on one column is needed, whichever.
            unneeded = {
                right
                for right in wanted - exactly
                if (right.relation, right.privilege) not in some
                or any((one.relation, one.privilege) == (right.relation, right.privilege) for one in exactly)
            }
            assert exactly <= wanted
            found[role] = sorted(map(str, unneeded))
    assert not any(found.values()), f"no statement needs these rights: {found}"


def test_none_of_them_can_be_left_out_of_what_a_service_looks_for(owner: Database) -> None:
    """One after the other is taken away: the service says so, and what to grant."""
    for role, rights in ROLES.items():
        for right in [*rights, *(Right(name, "EXECUTE") for name in rights.functions)]:
            with owner.engine.connect() as connection:
                columns = f' ("{right.column}")' if right.column else ""
                what = "FUNCTION " if right.privilege == "EXECUTE" else ""
                connection.execute(
                    text(f"REVOKE {right.privilege}{columns} ON {what}{right.relation} FROM {role}")
                )
                connection.execute(text(f"SET LOCAL ROLE {role}"))
                with pytest.raises(UnsuitableDatabase, match="lacks rights: GRANT ") as caught:
                    check_rights_on(connection, rights)
                (said,) = str(caught.value).partition("rights: ")[2].rstrip(".").split("; ")
                connection.execute(text("RESET ROLE"))
                connection.execute(text(said.replace(" TO it", f" TO {role}")))
                connection.execute(text(f"SET LOCAL ROLE {role}"))
                check_rights_on(connection, rights)
                connection.rollback()


def test_the_real_services_work_as_their_roles(stack: Stack, tmp_path: Path) -> None:
    """Reports to each end, keys and the audit, and the recovery of a lost worker's report by the API."""
    more = {"WAYBILL_AUTH": "key", "WAYBILL_LEASE_SECONDS": "2", "WAYBILL_KAFKA_GROUP": "roles"}
    more |= {
        f"WAYBILL_KAFKA_TOPIC_{name}": f"roles-{name.lower()}"
        for name in ("REPORT", "REPORT_STATUS", "REPORT_DEAD_LETTER")
    }
    with (
        own_database(stack.endpoints.database_url, "as_roles") as url,
        lifecycle_stack(stack, url, tmp_path, more) as started,
        engine_of(url) as engine,
    ):
        database = Database(engine)
        made = subprocess.run(
            [Path(sys.executable).parent / "waybill", "create-key", "--name", "first", "--owner", "ops"],
            env={**os.environ, "WAYBILL_DATABASE_URL": as_role(url, API_ROLE)},
            capture_output=True,
            text=True,
            check=True,
        )
        credential = {"Authorization": f"Bearer {made.stdout.strip()}"}
        with httpx.Client(base_url=started.api_url, timeout=60, trust_env=False, headers=credential) as api:
            done = ask.run(api, "slow", steps=2, seconds=0)
            assert api.get(f"{ask.REPORTS}/{done['id']}/artefact").is_success
            assert "event: status" in api.get(f"{ask.REPORTS}/{done['id']}/events").text
            failed = ask.run(api, "flaky", failures=3)
            (letter,) = ask.letters_of(api, failed["id"])
            assert api.post(f"{ask.DEAD_LETTERS}:redrive", json={"reason": letter["reason"]}).is_success
            assert ask.ended(api, failed["id"])["status"] == "done"
            running = ask.request(api, "slow", steps=100, seconds=1)
            ask.running(api, running)
            assert api.post(f"{ask.REPORTS}/{running}:cancel").is_success
            assert ask.ended(api, running)["status"] == "cancelled"
            key = api.post("/api/v1/keys", json={"name": "another", "owner": "ann"}).json()["id"]
            assert api.post(f"/api/v1/keys/{key}:rotate").is_success
            assert api.post(f"/api/v1/keys/{key}:revoke").is_success
            lost = ask.request(api, "slow", steps=100, seconds=1)
            ask.running(api, lost)
            with started.killed(WORKER_PART):
                ask.until(api, lost, "recovery by the API", lambda report: report["status"] == "init")
            assert api.post(f"{ask.REPORTS}/{lost}:cancel").is_success
            entries = api.get("/api/v1/audit", params={"limit": 200}).json()["entries"]
        assert {entry["action"] for entry in entries} >= {
            *("request", "cancel", "redrive", "download", "create_key", "rotate_key", "revoke_key")
        }
        connected = database.rows(
            "SELECT DISTINCT application_name, usename FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = ANY(:names)",
            names=list(SERVICE_ROLES),
        )
        assert {row["application_name"]: row["usename"] for row in connected} == SERVICE_ROLES
        for name in (API_PART, WORKER_PART):
            assert "permission denied" not in started.log(name)


# --- what they may not


def attempts(owner: Database) -> Iterator[tuple[Right, sql.Composed]]:
    """Each right that there could be, with a statement that needs it alone. It would change no row."""
    rows = owner.rows(
        "SELECT relname::text, attname::text, format_type(atttypid, atttypmod) AS type"
        " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v')"
    )
    for row in rows:
        names = {
            "relation": sql.Identifier(row["relname"]),
            "column": sql.Identifier(row["attname"]),
            "type": sql.SQL(row["type"]),
        }
        for privilege, statement in (
            ("SELECT", "SELECT {column} FROM {relation} WHERE false"),
            (
                "INSERT",
                "INSERT INTO {relation} ({column}) OVERRIDING SYSTEM VALUE SELECT NULL::{type} WHERE false",
            ),
            ("UPDATE", "UPDATE {relation} SET {column} = DEFAULT WHERE false"),
        ):
            if privilege == "UPDATE" and row["relname"] == VIEW:
                continue  # no rule says how
            yield Right(row["relname"], privilege, row["attname"]), sql.SQL(statement).format(**names)
    for relation in sorted({row["relname"] for row in rows}):
        if relation == VIEW:
            continue
        names = {"relation": sql.Identifier(relation)}
        yield Right(relation, "DELETE"), sql.SQL("DELETE FROM {relation} WHERE false").format(**names)
        yield Right(relation, "TRUNCATE"), sql.SQL("TRUNCATE {relation}").format(**names)
        altered = sql.SQL("ALTER TABLE {relation} SET (fillfactor = 90)").format(**names)
        yield Right(relation, "own"), altered
    for sequence in SEQUENCES:
        names = {"sequence": sql.Literal(sequence)}
        yield Right(sequence, "UPDATE"), sql.SQL("SELECT setval({sequence}, 1)").format(**names)
    yield Right("public", "CREATE"), sql.SQL("CREATE TABLE another (id integer)").format()
    for statement in ("CREATE ROLE another", "ALTER ROLE waybill PASSWORD 'another'", "SET ROLE waybill"):
        yield Right("waybill", statement), sql.SQL(statement).format()


@pytest.mark.parametrize("role", ROLES)
def test_every_right_that_is_not_in_its_table_is_refused(
    role: str, granted_url: str, owner: Database
) -> None:
    with owner.engine.connect() as connection:
        wanted = granted(connection, ROLES[role])
        assert held(connection, role) == wanted
    refused, allowed = 0, 0
    with psycopg.connect(as_role(granted_url, role)) as connection:
        for right, statement in attempts(owner):
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(statement)
            except InsufficientPrivilege:
                assert right not in wanted, f"{role} may not do what it needs: {right}"
                refused += 1
            else:
                assert right in wanted, f"{role} may do more than it needs: {right}"
                allowed += 1

    assert allowed > 80
    assert refused > 150


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "change",
    ["UPDATE audit SET actor = 'bob'", "DELETE FROM audit", "TRUNCATE audit", "DROP TABLE audit"],
)
def test_the_audit_is_only_added_to(role: str, change: str, services: Services) -> None:
    services.api.ledger.note_download(accepted(services.api), ACTOR)

    with psycopg.connect(as_role(services.url, role)) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(change)


def test_a_worker_reads_neither_keys_nor_the_audit(granted_url: str) -> None:
    for relation in ("api_keys", "audit"):
        with (
            psycopg.connect(as_role(granted_url, WORKER_ROLE)) as connection,
            pytest.raises(InsufficientPrivilege),
        ):
            connection.execute(f"SELECT FROM {relation}")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("column", ["tenant", "owner", "kind", "parameters", "source", "id", "created_at"])
def test_whose_a_report_is_and_what_was_requested_is_never_changed(
    role: str, column: str, granted_url: str
) -> None:
    with psycopg.connect(as_role(granted_url, role)) as connection, pytest.raises(InsufficientPrivilege):
        change = sql.SQL("UPDATE reports SET {0} = {0}").format(sql.Identifier(column))
        connection.execute(change)


# --- how they get them


def run_migrate(url: str, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [Path(sys.executable).parent / "waybill", "migrate", *options],
        env={**os.environ, "WAYBILL_DATABASE_URL": url, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def role_of_its_own(owner: Database, name: str) -> Iterator[str]:
    owner.execute(f"CREATE ROLE {name} LOGIN")
    try:
        yield name
    finally:
        owner.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def theirs(owner: Database) -> Iterator[str]:
    with role_of_its_own(owner, "their_api") as name:
        yield name


def test_options_and_settings_name_the_roles(granted_url: str, theirs: str, owner: Database) -> None:
    by_option = run_migrate(granted_url, "--grant-api", theirs)
    assert (by_option.returncode, by_option.stderr) == (0, "")
    assert f"The role {theirs} has the rights of producer-api." in by_option.stdout
    with owner.engine.connect() as connection:
        assert held(connection, theirs) == granted(connection, API)

    by_setting = run_migrate(granted_url, WAYBILL_DATABASE_WORKER_ROLE=theirs)
    assert by_setting.returncode == 0, by_setting.stderr
    with owner.engine.connect() as connection:
        assert held(connection, theirs) == granted(connection, WORKER), "what it had before is gone"


def test_again_they_change_nothing(owner: Database) -> None:
    def entries() -> list[dict[str, Any]]:
        return owner.rows(
            "SELECT relname::text, relacl::text[], array(SELECT attacl::text FROM pg_attribute"
            " WHERE attrelid = pg_class.oid ORDER BY attnum) AS columns FROM pg_class"
            " WHERE relnamespace = current_schema()::regnamespace ORDER BY relname"
        )

    before = entries()
    migrate(owner.engine, ROLES)

    def in_order(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [(row["relname"], sorted(row["relacl"] or []), row["columns"]) for row in rows]

    assert in_order(entries()) == in_order(before)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--grant-api", "nobody_knows"), "has no role 'nobody_knows' for producer-api: CREATE ROLE"),
        (("--grant-api", "public"), "has no role 'public' for producer-api"),
        (("--grant-worker", "waybill"), "owns tables, is a member of their owner, or is a superuser"),
        (("--grant-api", "one", "--grant-worker", "one"), "must be another role"),
    ],
)
def test_a_role_that_cannot_be_restricted_is_refused(
    granted_url: str, options: tuple[str, ...], said: str
) -> None:
    result = run_migrate(granted_url, *options)

    assert (result.returncode, result.stdout) == (1, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    "too_much",
    [
        "GRANT SELECT ON api_keys TO PUBLIC",
        "GRANT UPDATE (actor) ON audit TO PUBLIC",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "CREATE ROLE a_group; GRANT DELETE ON audit TO a_group; GRANT a_group TO {role}",
    ],
)
def test_a_right_by_another_way_is_named(
    granted_url: str, theirs: str, owner: Database, too_much: str
) -> None:
    with owner.engine.connect() as connection:
        connection.exec_driver_sql(too_much.format(role=theirs))
        with pytest.raises(UnsuitableDatabase, match=r"may do more than it needs: REVOKE \w+ ON"):
            grant(connection, {theirs: WORKER})
        connection.rollback()


def test_a_role_that_sees_no_schema_is_said_what_it_lacks(owner: Database, granted_url: str) -> None:
    owner.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    owner.execute(f"REVOKE USAGE ON SCHEMA public FROM {API_ROLE}")
    try:
        with (
            engine_of(as_role(granted_url, API_ROLE)) as engine,
            pytest.raises(UnsuitableDatabase, match="GRANT USAGE ON SCHEMA"),
        ):
            check_schema(engine)
    finally:
        owner.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        migrate(owner.engine, ROLES)


def test_one_role_for_everything_is_enough(owner: Database) -> None:
    """As an installation of before has it."""
    for rights in (API, WORKER):
        check_rights(owner.engine, rights)


# --- the page


def test_the_page_has_their_table() -> None:
    relations = sorted({*API.relations, *WORKER.relations})
    lines = ["| | producer-api | report-worker |", "|---|---|---|"]
    lines += [f"| `{name}` | {_cell(API, name)} | {_cell(WORKER, name)} |" for name in relations]
    lines += [f"| `{name}` | EXECUTE | EXECUTE |" for name in API.functions]
    table = "".join(f"{line}\n" for line in lines)
    page = PAGE.read_text()
    if os.environ.get(WRITE):
        PAGE.write_text(TABLE.sub(lambda _: table, page))
        page = PAGE.read_text()

    found = TABLE.search(page)
    assert found is not None
    assert found[0] == table


def _cell(rights: Rights, relation: str) -> str:
    access = rights.relations.get(relation)
    if access is None:
        return "nothing"
    return "; ".join(
        f"{privilege} {', '.join(f'`{column}`' for column in columns)}" if columns != ("*",) else privilege
        for privilege, columns in access.privileges()
    )
