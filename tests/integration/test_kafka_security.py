"""Kafka by TLS alone: with the chart's rules the services do all that they need, and can do nothing else; a
client that is not let in says why in one sentence.

One broker for all of it, set up as Strimzi's: see tests/support/secured_kafka.py.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from structlog.testing import capture_logs

from local.parts import services
from local.parts.part import Part
from local.stack import Stack
from producer_api.status_hints import StatusHints
from report_worker.command_queue import CommandQueue
from report_worker.consuming import CommandConsumer
from tests.support.broker import Rule, start
from tests.support.certificates import Authority
from tests.support.kafka import Record, Topics
from tests.support.kafka_operations import OPERATIONS, Asking, is_allowed
from tests.support.kafka_users import API, EXAMPLES, WORKER, User, user
from tests.support.lifecycle_store import engine_of, own_database
from tests.support.reports import QUICK, ended
from tests.support.secured_kafka import MISNAMED, SecuredKafka, secured_kafka
from tests.support.tables import is_on_page, table_of
from tests.support.waiting import eventually
from waybill.domain import Carrier
from waybill.kafka import (
    GroupMembership,
    KafkaConfig,
    KafkaHealth,
    PartitionWatchdog,
    ask_kafka,
    consumer,
    ensure_topics,
    is_reachable,
    producer,
)
from waybill.kafka.clients import group_protocol
from waybill.outbox.publisher import Publisher
from waybill.store import OutboxMessage
from waybill.store.migrate import migrate
from waybill.topics import Topics as Names
from waybill_client import WaybillClient

Says = Callable[[], str | None]
"""What keeps a part from its work, in a sentence; None where it works."""

NAMES = Names()
ANOTHER = "another"
GROUP = "report-worker"
SCRIPTS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as started:
        config = KafkaConfig(started.broker.bootstrap, "tests")
        ensure_topics(config, NAMES, partitions=1, replication=1)
        others = Names(ANOTHER, f"{ANOTHER}-status", f"{ANOTHER}-dead-letter")
        ensure_topics(config, others, partitions=1, replication=1)
        yield started


@pytest.fixture(scope="module")
def topics(kafka: SecuredKafka) -> Topics:
    """As somebody sees them who may do everything."""
    return Topics(kafka.broker.bootstrap)


# --- all they need: the services themselves, as the chart sets them up


@pytest.fixture(scope="module")
def database_url(stack: Stack) -> Iterator[str]:
    with own_database(stack.endpoints.database_url, "kafka") as url:
        with engine_of(url, pool_size=1) as engine:
            migrate(engine)
        yield url


@dataclass
class Services:
    """What starts them on the broker; each has Kafka's variables from its own container in the chart."""

    kafka: SecuredKafka
    environment: Mapping[str, str]

    def part(self, user: User, **changed: str | None) -> Part:
        ports = self.kafka.broker.ports
        environment = {**self.environment, **self.kafka.environment(user, **changed)}
        if user.name.endswith(API):
            return services.producer_api(SCRIPTS, environment, ports["api"], ports["api-health"])
        return services.report_worker(SCRIPTS, environment, ports["worker"])

    @contextmanager
    def running(self, user: User, **changed: str | None) -> Iterator[str]:
        """The URL at which the service answers."""
        part = self.part(user, **changed)
        start(self.kafka.broker, part)
        try:
            yield f"http://127.0.0.1:{part.port}"
        finally:
            self.kafka.broker.runner.stop_part(part.name)

    def log(self, name: str) -> str:
        return self.kafka.broker.run_dir.log(name).read_text()


@pytest.fixture
def running(kafka: SecuredKafka, stack: Stack, database_url: str, tmp_path: Path) -> Services:
    environment = services.settings(
        database_url=database_url,
        kafka_bootstrap="nowhere:1",
        otlp_endpoint=stack.endpoints.otlp_endpoint,
        artefacts=tmp_path,
        temporary=tmp_path,
    )
    return Services(kafka, {**environment, "WAYBILL_HTTP_WORKERS": "1"})


def parts(url: str) -> dict[str, Any]:
    """What the service says of each of its parts."""
    found: dict[str, Any] = httpx.get(f"{url}/readyz", timeout=30, trust_env=False).json()["parts"]
    return found


def is_ready(url: str) -> bool:
    return set(parts(url).values()) == {"ok"}


@pytest.mark.parametrize("authentication", EXAMPLES)
def test_each_service_does_its_work_as_its_own_user(
    kafka: SecuredKafka, topics: Topics, running: Services, authentication: str
) -> None:
    api_user, worker_user = kafka.users[authentication, API], kafka.users[authentication, WORKER]
    (unreadable,) = topics.send(NAMES.report, Record(b"no command"))

    with running.running(api_user) as api, running.running(worker_user) as worker:
        eventually(lambda: is_ready(api) and is_ready(worker), "readiness of both")
        with WaybillClient(api) as client:
            requested = client.request("dowork", QUICK)
            statuses = [event.status for event in client.follow(requested.id)]
            assert ended(client, requested.id).status == "done"
            letters = {(one.topic, one.partition, one.offset): one.reason for one in client.dead_letters()}
            assert letters[NAMES.report, unreadable.partition, unreadable.offset] == "not_json"
        assert is_ready(api), "after it has published"
        assert is_ready(worker)

    assert statuses[-1] == "done"
    assert [one.json["status"] for one in topics.records_of(NAMES.report_status, requested.id)][-1] == "done"
    assert topics.records_of(NAMES.report, requested.id)
    assert topics.lag(NAMES.report, GROUP) == 0, "what was claimed is committed"
    for name in (API, WORKER):
        assert "kafka cannot be used" not in running.log(name)
        for secret in ("password", "user.key"):
            assert kafka.secrets[api_user.name][secret] not in running.log(name)


# --- the parts of a service that use Kafka, each by itself


def published(config: KafkaConfig, topic: str, key: str = "key") -> str | None:
    """The relay's publisher sends one message: what keeps it from that."""
    health = KafkaHealth("publish messages")
    client = producer(config, health, delivery_timeout_ms=2000)
    message = OutboxMessage(topic, key, {"a": 1}, Carrier("00-x"))
    Publisher(client, "tests", health=health).publish([message])
    return health.problem


@contextmanager
def hinted(config: KafkaConfig) -> Iterator[tuple[StatusHints, list[UUID]]]:
    """The API's consumer of status events, and what it has passed on."""
    seen: list[UUID] = []
    hints = StatusHints(config, NAMES.report_status, seen.append)
    hints.start()
    try:
        yield hints, seen
    finally:
        hints.stop()


@contextmanager
def reading(config: KafkaConfig) -> Iterator[tuple[Says, CommandQueue]]:
    """The worker's loop: what keeps it from reading commands, and what it has read."""
    health = KafkaHealth("read commands", topic=NAMES.report, group=GROUP)
    membership = GroupMembership(config, NAMES.report, GROUP, health)
    commands, stopping = CommandQueue(), threading.Event()
    loop = CommandConsumer(
        lambda watchdog: consumer(
            config,
            GROUP,
            **group_protocol("consumer"),
            **health.settings(),
            **watchdog.settings(membership.update),
        ),
        lambda: is_reachable(config),
        NAMES.report,
        health,
        PartitionWatchdog(ask_kafka(config, NAMES.report, GROUP)),
        commands,
        lambda _: None,
    )
    thread = threading.Thread(target=loop.run, args=(stopping,))
    thread.start()
    try:
        yield lambda: membership.problem() or loop.problem, commands
    finally:
        stopping.set()
        thread.join(30)


# --- and nothing else


ROWS: Mapping[str, tuple[str, str]] = {
    "topic `report`": ("topic", NAMES.report),
    "topic `report-status`": ("topic", NAMES.report_status),
    "topic `report-dead-letter`": ("topic", NAMES.report_dead_letter),
    "another topic": ("topic", ANOTHER),
    "a topic that does not exist": ("topic", "missing"),
    "Kafka's own `__consumer_offsets`": ("topic", "__consumer_offsets"),
    "group `report-worker`": ("group", GROUP),
    "groups `producer-api-…`": ("group", "producer-api-1"),
    "another group": ("group", ANOTHER),
    "any transactional id": ("transactional id", "any"),
    "the cluster": ("cluster", "1"),
}
"""What the users are asked about, by its name in docs/security.md."""


@pytest.mark.parametrize("authentication", EXAMPLES)
def test_each_user_may_do_what_the_page_says_and_nothing_else(
    kafka: SecuredKafka, topics: Topics, authentication: str
) -> None:
    for topic in (NAMES.report, NAMES.report_status, NAMES.report_dead_letter):
        topics.send(topic, Record(b"there is something to read", key=b"asked"))
    asking = {
        component: Asking(kafka.config(kafka.users[authentication, component])) for component in (API, WORKER)
    }

    def cell(component: str, kind: str, name: str) -> str:
        allowed = [
            operation
            for operation, ask in OPERATIONS[kind].items()
            if is_allowed(ask, asking[component], name)
        ]
        return ", ".join(allowed) or "nothing"

    rows = [
        (row, [cell(component, kind, name) for component in asking]) for row, (kind, name) in ROWS.items()
    ]

    columns = [f"`{kafka.users[authentication, component].name}`" for component in asking]
    is_on_page(table_of(columns, rows), "kafka")


def test_the_authorizer_itself_knows_of_nothing_else(kafka: SecuredKafka) -> None:
    """It lists every operation to one who may describe; so the users may, for once, describe everything."""
    describe = [
        Rule(kind, name, "LITERAL", "DESCRIBE")
        for kind, name in (
            ("TOPIC", ANOTHER),
            ("BROKER", "kafka-cluster"),
        )  # librdkafka's name of the cluster
    ]
    ours = (NAMES.report, NAMES.report_status, NAMES.report_dead_letter)
    for component, reads in ((API, NAMES.report_status), (WORKER, NAMES.report)):
        one = kafka.users["tls", component]
        asking = Asking(kafka.config(one))
        with kafka.granted(one, *describe):
            on_the_cluster = eventually(asking.allowed_on_the_cluster, "the right to describe the cluster")
            on_topics = asking.allowed_on_topics(*ours, ANOTHER)
        assert on_the_cluster == {"DESCRIBE"}
        assert on_topics.pop(ANOTHER) == {"DESCRIBE"}
        assert on_topics.pop(reads) == {"READ", "WRITE", "DESCRIBE"}
        assert list(on_topics.values()) == [{"WRITE", "DESCRIBE"}] * 2


RULES = [(component, rule) for component in (API, WORKER) for rule in user("tls", component).rules]


@pytest.mark.parametrize(
    ("component", "rule"), RULES, ids=[f"{component}: {rule}" for component, rule in RULES]
)
def test_no_rule_can_be_left_out(kafka: SecuredKafka, component: str, rule: Rule) -> None:
    one = kafka.users["tls", component]

    with kafka.without(one, rule), needing(kafka.config(one), component, rule) as problem:
        says(problem, denied(rule))

    with needing(kafka.config(one), component, rule) as problem:
        eventually(lambda: problem() is None, "that it works with the rule")


def denied(rule: Rule) -> str:
    kind = {"TOPIC": "topic", "GROUP": "consumer group"}[rule.resource]
    return f"Kafka denies access to the {kind} {rule.name}"


def says(part: Says, words: str) -> None:
    """Waits until it does."""
    eventually(partial(sentence, part, words), words)


def sentence(part: Says, words: str) -> str | None:
    """What the part says now, where these words are in it."""
    said = part()
    return said if said and words in said else None


@contextmanager
def needing(config: KafkaConfig, component: str, rule: Rule) -> Iterator[Says]:
    """The part that needs the rule."""
    if rule.operation == "WRITE":
        yield partial(published, config, rule.name)
    elif component == WORKER:
        with reading(config) as (problem, _):
            yield problem
    elif rule.resource == "TOPIC":
        with hinted(config) as (hints, _):
            yield lambda: hints.problem
    else:
        with hinted(config) as (hints, _), capture_logs() as lines:
            # It reads all the same, while the client looks up its coordinator again and again, and logs this.
            yield (
                lambda: hints.problem or next((denied(rule) for line in lines if is_denied_group(line)), None)
            )


def is_denied_group(line: MutableMapping[str, Any]) -> bool:
    event = "status consumer continues after an error"
    return line["event"] == event and "Group authorization failed" in line["reason"]


def test_a_worker_that_may_read_again_says_so_without_a_message(kafka: SecuredKafka) -> None:
    one = kafka.users["tls", WORKER]
    (rule,) = (rule for rule in one.rules if (rule.resource, rule.operation) == ("TOPIC", "READ"))

    with reading(kafka.config(one)) as (problem, _):
        eventually(lambda: problem() is None, "membership")
        with kafka.without(one, rule):
            says(problem, denied(rule))
        eventually(lambda: problem() is None, "that it reads")


# --- who is not let in


@dataclass(frozen=True)
class Refused:
    """Variables that make a client one that must not be let in, and what it says. None: not set."""

    authentication: str
    changed: Callable[[SecuredKafka, User], Mapping[str, str | None]]
    sentence: str


def certificate(of: Callable[[SecuredKafka], Authority], name: str | None = None, days: int = 1) -> Any:
    """Of an authority and a name of somebody's; the user's own name by default."""

    def changed(kafka: SecuredKafka, user: User) -> Mapping[str, str | None]:
        made = of(kafka).for_client(name or user.name, valid_for=timedelta(days=days))
        return {"SSL_CERTIFICATE_PEM": made.certificate, "SSL_KEY_PEM": made.key}

    return changed


NO_CERTIFICATE = {"SSL_CERTIFICATE_PEM": None, "SSL_KEY_PEM": None}
THEIRS = "Kafka refuses the service's certificate"
BROKERS = "Kafka's certificate cannot be verified"
CREDENTIALS = "Kafka refuses the credentials"
PROTOCOL = "WAYBILL_KAFKA_SECURITY_PROTOCOL"
DENIED = "Kafka denies access to the"

REFUSED: Mapping[str, Refused] = {
    "a certificate of another authority": Refused("tls", certificate(lambda _: Authority("others")), THEIRS),
    "a certificate of an authority with the same name": Refused(
        "tls", certificate(lambda _: Authority("clients")), THEIRS
    ),
    "a certificate of the brokers' authority": Refused(
        "tls", certificate(lambda kafka: kafka.brokers), THEIRS
    ),
    "a certificate that has expired": Refused(
        "tls", certificate(lambda kafka: kafka.clients, days=-1), THEIRS
    ),
    "no certificate": Refused("tls", lambda *_: NO_CERTIFICATE, THEIRS),
    "an unknown principal": Refused("tls", certificate(lambda kafka: kafka.clients, "stranger"), DENIED),
    "a broker of another authority": Refused(
        "tls", lambda kafka, _: {"SSL_CA_LOCATION": kafka.file(Authority("brokers").pem)}, BROKERS
    ),
    "a broker with another host's certificate": Refused(
        "tls", lambda kafka, _: {"BOOTSTRAP_SERVERS": kafka.broker.addresses[MISNAMED]}, BROKERS
    ),
    "plain text": Refused("tls", lambda *_: {"SECURITY_PROTOCOL": "PLAINTEXT"}, PROTOCOL),
    "a wrong password": Refused("scram-sha-512", lambda *_: {"SASL_PASSWORD": "not-its-own"}, CREDENTIALS),
    "an unknown user": Refused(
        "scram-sha-512", lambda *_: {"SASL_USERNAME": "waybill-somebody"}, CREDENTIALS
    ),
    "the password of another": Refused(
        "scram-sha-512",
        lambda kafka, user: {
            "SASL_PASSWORD": next(
                one["password"]
                for name, one in kafka.secrets.items()
                if name != user.name and "password" in one
            )
        },
        CREDENTIALS,
    ),
    "a password that is sent as it is": Refused(
        "scram-sha-512", lambda *_: {"SASL_MECHANISM": "PLAIN"}, CREDENTIALS
    ),
    "a password without TLS": Refused(
        "scram-sha-512", lambda *_: {"SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, PROTOCOL
    ),
    "TLS without a password": Refused("scram-sha-512", lambda *_: {"SECURITY_PROTOCOL": "SSL"}, PROTOCOL),
    "plain text where a password is needed": Refused(
        "scram-sha-512", lambda *_: {"SECURITY_PROTOCOL": "PLAINTEXT"}, PROTOCOL
    ),
}


@pytest.fixture(scope="module")
def tries(kafka: SecuredKafka, topics: Topics) -> Iterator[Mapping[str, Future[None]]]:
    """All of them at once, since each waits most of the time."""
    with ThreadPoolExecutor(len(REFUSED)) as pool:
        yield {case: pool.submit(is_refused, kafka, topics, one) for case, one in REFUSED.items()}


@pytest.mark.parametrize("case", REFUSED)
def test_a_client_that_is_not_let_in_says_why(tries: Mapping[str, Future[None]], case: str) -> None:
    tries[case].result()


def is_refused(kafka: SecuredKafka, topics: Topics, refused: Refused) -> None:
    """Each part of either service says so, and nothing is written or read."""
    users = [kafka.users[refused.authentication, component] for component in (API, WORKER)]
    api, worker = (kafka.config(one, **refused.changed(kafka, one)) for one in users)
    key = str(uuid4())
    passwords = [kafka.secrets[one.name]["password"] for one in users]

    with ExitStack() as opened:
        hints, seen = opened.enter_context(hinted(api))
        problem, commands = opened.enter_context(reading(worker))
        for part in (partial(published, api, NAMES.report_status, key), lambda: hints.problem, problem):
            said = eventually(partial(sentence, part, refused.sentence), refused.sentence)
            for hidden in ("127.0.0.1", "BEGIN", *passwords):
                assert hidden not in said

        topics.send(NAMES.report_status, Record(b"{}", key=str(uuid4()).encode()))
        topics.send(NAMES.report, Record(b"{}", key=b"a command"))
        assert commands.take(0.5) is None
        assert seen == []
    assert topics.records_of(NAMES.report_status, key) == []


@pytest.mark.parametrize("component", [API, WORKER])
def test_a_service_that_is_not_let_in_says_why(
    kafka: SecuredKafka, running: Services, component: str
) -> None:
    one = kafka.users["tls", component]
    changed = certificate(lambda _: Authority("others"))(kafka, one)

    with running.running(one, **changed) as url:
        eventually(lambda: THEIRS in parts(url)["kafka"], "the reason in /readyz")
        assert "127.0.0.1" not in parts(url)["kafka"]

    log = running.log(one.name.removeprefix("waybill-"))
    assert THEIRS in log
    assert "BEGIN" not in log


# --- what is renewed while a service runs


def test_a_connection_outlives_the_password_that_it_was_made_with(
    kafka: SecuredKafka, topics: Topics
) -> None:
    """So a service must be restarted after a renewal, and has until then no failure: docs/kubernetes.md."""
    one = kafka.users["scram-sha-512", API]
    old, new = kafka.secrets[one.name]["password"], "a-new-one"
    with hinted(kafka.config(one)) as (hints, seen):
        eventually(lambda: hints.problem is None, "a connection")

        kafka.set_password(one.name, new)
        try:
            report = uuid4()
            topics.send(NAMES.report_status, Record(b"{}", key=str(report).encode()))
            eventually(lambda: report in seen, "the message")
            assert CREDENTIALS in (published(kafka.config(one), NAMES.report_status) or "")
            assert published(kafka.config(one, SASL_PASSWORD=new), NAMES.report_status) is None
        finally:
            kafka.set_password(one.name, old)
