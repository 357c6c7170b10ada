"""A secret is nowhere to be seen: those of all settings, and those that clients send, whatever goes wrong."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from local.parts.postgres import API_ROLE, WORKER_ROLE, as_role
from local.ports import Ports
from local.stack import Stack
from producer_api.description import PATH as DESCRIPTION
from producer_api.settings import ApiSettings
from report_worker.settings import WorkerSettings
from report_worker.slots.processes import children
from tests.support import lifecycle as ask
from tests.support.database import Database
from tests.support.kafka import Topics
from tests.support.lifecycle_stack import API, WORKER, LifecycleStack, lifecycle_stack
from tests.support.lifecycle_store import engine_of, own_database
from tests.support.s3 import S3
from tests.support.waiting import PATIENCE, eventually
from waybill.settings import PREFIX
from waybill_client.cli import app
from waybill_client.jaeger import SERVICES

SCRIPTS = Path(sys.executable).parent

TOPICS = {
    "WAYBILL_KAFKA_TOPIC_REPORT": "canary-report",
    "WAYBILL_KAFKA_TOPIC_REPORT_STATUS": "canary-report-status",
    "WAYBILL_KAFKA_TOPIC_REPORT_DEAD_LETTER": "canary-report-dead-letter",
    "WAYBILL_KAFKA_GROUP": "canary",
}


@dataclass
class Canaries:
    """A secret for each place where one may be, and what is searched for them."""

    places: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    searched: int = 0

    def __call__(self, place: str) -> str:
        """The secret of that place: a word that no quoting changes, and as long as a session's must be."""
        return self.places.setdefault(place, f"canary{secrets.token_hex(16)}")

    def add(self, place: str, secret: str) -> None:
        self.places[place] = secret

    def search(self, where: str, text: str) -> None:
        assert text, f"nothing was searched in {where}"
        self.searched += 1
        for place, secret in self.places.items():
            if (begin := text.find(secret)) >= 0:
                around = text[max(0, begin - 200) : begin + len(secret) + 50].replace(secret, "<IT>")
                self.seen.append(f"{where} shows the secret of {place}: …{around}…")

    def settings(self) -> dict[str, str]:
        """Every variable that may hold one, but for the addresses of database and store."""
        return {
            "PGPASSWORD": self("PGPASSWORD"),
            "WAYBILL_KAFKA_SASL_MECHANISM": "PLAIN",
            "WAYBILL_KAFKA_SASL_USERNAME": "waybill",
            "WAYBILL_KAFKA_SASL_PASSWORD": self("WAYBILL_KAFKA_SASL_PASSWORD"),
            "WAYBILL_KAFKA_SSL_KEY_PEM": _pem("PRIVATE KEY", self("WAYBILL_KAFKA_SSL_KEY_PEM")),
            "WAYBILL_KAFKA_SSL_CERTIFICATE_PEM": _pem(
                "CERTIFICATE", self("WAYBILL_KAFKA_SSL_CERTIFICATE_PEM")
            ),
            "WAYBILL_AUTH": "key,oidc",
            "WAYBILL_OIDC_ISSUERS": "http://127.0.0.1:1",
            "WAYBILL_OIDC_AUDIENCE": "waybill",
            "WAYBILL_OIDC_CLIENT_ID": "waybill",
            "WAYBILL_OIDC_CLIENT_SECRET": self("WAYBILL_OIDC_CLIENT_SECRET"),
            "WAYBILL_SESSION_SECRET": self("WAYBILL_SESSION_SECRET"),
            "WAYBILL_WEBHOOK_HOSTS": "http://localhost:1",
            "WAYBILL_WEBHOOK_PRIVATE_NETWORKS": "127.0.0.0/8,::1",
            "WAYBILL_WEBHOOK_SECRET": f"whsec_{self('WAYBILL_WEBHOOK_SECRET')}",
            "AWS_ACCESS_KEY_ID": "waybill",
            "AWS_SECRET_ACCESS_KEY": self("AWS_SECRET_ACCESS_KEY"),
            "AWS_SESSION_TOKEN": self("AWS_SESSION_TOKEN"),
            "AWS_REGION": "eu-central-1",
            "AZURE_STORAGE_ACCOUNT_NAME": "waybill",
            "AZURE_STORAGE_ACCOUNT_KEY": self("AZURE_STORAGE_ACCOUNT_KEY"),
            "GOOGLE_SERVICE_ACCOUNT_KEY": self("GOOGLE_SERVICE_ACCOUNT_KEY"),
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{self('OTEL_EXPORTER_OTLP_HEADERS')}",
            "WAYBILL_TOKEN": self("WAYBILL_TOKEN"),
            "WAYBILL_LOG_LEVEL": "debug",
        }


def _pem(what: str, secret: str) -> str:
    return f"-----BEGIN {what}-----\n{secret}\n-----END {what}-----\n"


@pytest.fixture
def canaries() -> Iterator[Canaries]:
    found = Canaries()
    yield found
    assert found.searched, "nothing was searched"
    assert not found.seen, "\n".join(found.seen)


# --- what clients send


def headers(canaries: Canaries) -> Iterator[dict[str, str]]:
    key = f"wb_{'a' * 12}_{canaries('an API key')}"
    yield {"Authorization": f"Bearer {key}"}
    yield {"Authorization": f"Bearer e30.e30.{canaries('a JSON Web Token')}"}
    yield {"Authorization": f"Basic {canaries('a basic credential')}"}
    yield {"Authorization": canaries("a credential without a scheme")}
    yield {"X-Api-Key": canaries("X-Api-Key"), "Proxy-Authorization": canaries("Proxy-Authorization")}
    session, login = canaries("a session's cookie"), canaries("a login's cookie")
    yield {"Cookie": f"__Host-waybill={session}; waybill={session}; __Host-waybill-login={login}"}


UNDESCRIBED = (
    ("GET", "/login"),
    ("GET", "/login/callback"),
    ("POST", "/logout"),
    ("GET", "/signed-out"),
    ("GET", "/api/v1/reports/nothing/artefact"),
    ("GET", "/nowhere"),
    ("DELETE", "/api/v1/kinds"),
)
"""Those of browsers, which no description has, and what is no route."""
NAMED = {
    **{"report_id": "019ab000-0000-7000-8000-000000000001", "key_id": "a" * 12, "kind": "dowork"},
    **{"filename": "report.html", "name": "monthly", "operation_id": "019ab000-0000-7000-8000-00000000000e"},
}


def routes(http: httpx.Client) -> Iterator[tuple[str, str]]:
    """Every route that the service describes, and those that it does not."""
    for path, operations in http.get(DESCRIPTION).json()["paths"].items():
        for method in operations.keys() & {"get", "put", "post", "delete", "patch"}:
            yield method.upper(), path.format(**NAMED)
    yield from UNDESCRIBED


def ask_everything(url: str, canaries: Canaries) -> set[int]:
    """Every route with a secret in each header and in the query; the statuses of the answers."""
    statuses = set()
    query = {name: canaries(f"the query's {name}") for name in ("token", "access_token", "code", "password")}
    with httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as http:
        asked = list(routes(http))
        assert len(asked) > 20
        for method, path in asked:
            for sent in headers(canaries):
                answer = http.request(method, path, params=query, headers=sent)
                statuses.add(answer.status_code)
                shown = f"{answer.text}\n{answer.headers}"
                canaries.search(f"{method} {path} ({answer.status_code})", shown)
    return statuses


# --- what everything says


def processes(pid: int) -> Iterator[int]:
    yield pid
    for child in children(str(pid)):
        yield from processes(child)


def search_command_lines(canaries: Canaries, pid: int) -> None:
    for one in processes(pid):
        try:
            line = Path("/proc", str(one), "cmdline").read_text()
        except FileNotFoundError:
            continue
        if line:
            canaries.search(f"the command line of {one}", line)


def search_telemetry(canaries: Canaries, stack: Stack) -> None:
    """Every span that Jaeger has of the services, and every metric of the collector."""
    with httpx.Client(timeout=PATIENCE, trust_env=False) as http:
        for service in sorted(SERVICES):
            found = http.get(
                f"{stack.endpoints.jaeger_url}/api/traces",
                params={"service": service, "limit": 1500, "lookback": "1h"},
            ).raise_for_status()
            assert found.json()["data"], f"no span of {service}"
            canaries.search(f"the spans of {service}", found.text)
        metrics = http.get(stack.endpoints.span_metrics_url).raise_for_status()
        canaries.search("the metrics", metrics.text)


def search_database(canaries: Canaries, database: Database) -> None:
    for row in database.rows(
        "SELECT relname::text AS name FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v')"
    ):
        name = row["name"]
        rows = database.rows(f"SELECT row_to_json(one)::text AS one FROM {name} AS one")  # noqa: S608 - ours
        canaries.search(f"the table {name}", "\n".join(["rows:", *(row["one"] for row in rows)]))


def search_logs(canaries: Canaries, directory: Path) -> None:
    for log in sorted(directory.glob("*.log")):
        canaries.search(f"the log {log.name}", f"{log.name}\n{log.read_text(errors='replace')}")


def run(
    canaries: Canaries, command: str, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """A command that ends, with what it prints searched."""
    done = subprocess.run(
        [SCRIPTS / command, *arguments],
        env={**environment(), **canaries.settings(), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    )
    canaries.search(f"{command} {' '.join(arguments)}", f"ends: {done.stdout}{done.stderr}")
    return done


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("WAYBILL_", "OTEL_"))}


# --- while everything is well, and clients send what they should not


@pytest.fixture
def well(
    stack: Stack, canaries: Canaries, s3: S3, tmp_path: Path
) -> Iterator[tuple[LifecycleStack, Database]]:
    """Their files are in an object store."""
    with own_database(stack.endpoints.database_url, "canary") as url:
        for name, address in {
            "owner": url,
            "API": as_role(url, API_ROLE),
            "worker": as_role(url, WORKER_ROLE),
        }.items():
            canaries.add(f"the database's password of the {name}", urlsplit(address).password or "")
        settings = {
            **canaries.settings(),
            **TOPICS,
            "WAYBILL_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
            "WAYBILL_ARTEFACT_URL": f"s3://{s3.bucket()}/waybill",
            "AWS_ENDPOINT_URL": s3.url,
            "AWS_ALLOW_HTTP": "true",
            # all that somebody may want to see in spans
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": ".*",
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": ".*",
        }
        with lifecycle_stack(stack, url, tmp_path / "run", settings) as started, engine_of(url) as engine:
            yield started, Database(engine)


def test_services_that_are_well_show_no_secret(
    well: tuple[LifecycleStack, Database], stack: Stack, canaries: Canaries, topics: Topics
) -> None:
    services, database = well
    made = run(
        canaries,
        "waybill",
        "create-key",
        "--name",
        "canary",
        "--owner",
        "ops",
        "--role",
        "operator",
        WAYBILL_DATABASE_URL=services.database_url,
    )
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    canaries.add("a key that is accepted", token.rpartition("_")[2])
    with httpx.Client(
        base_url=services.api_url,
        timeout=PATIENCE,
        trust_env=False,
        headers={"Authorization": f"Bearer {token}"},
    ) as api:
        report = ask.run(api, "slow", steps=1, seconds=0)
        assert report["status"] == "done"
        assert ask.run(api, "permanent")["status"] == "fail"
        webhook = {"url": "http://localhost:1/hook"}
        called = api.post(ask.REPORTS, json={"kind": "slow", "parameters": {"steps": 1}, "webhook": webhook})
        ask.until(
            api, called.json()["id"], "a call in vain", lambda report: report["webhook"]["status"] == "failed"
        )
        for query in ("token", "password", "secret", "api_key"):
            answer = api.get(ask.REPORTS, params={query: canaries(f"a known client's {query}")})
            canaries.search(f"an answer to a known client ({answer.status_code})", answer.text)
        search_download(canaries, api, report, services, token)
    statuses = ask_everything(services.api_url, canaries)
    assert {200, 400, 401, 404, 405} & statuses >= {401, 404}, statuses
    for name in (API, WORKER):
        search_command_lines(canaries, services.pid(name))
    for server, code in ((services.api_url, 2), ("http://127.0.0.1:1", 3)):
        refused = run(canaries, "waybill", "list", WAYBILL_API_URL=server)
        assert refused.returncode == code, refused.stderr

    def arrived() -> bool:
        found = httpx.get(
            f"{stack.endpoints.jaeger_url}/api/traces/{report['trace_id']}", trust_env=False, timeout=PATIENCE
        )
        return found.is_success and "handle_report" in found.text

    eventually(arrived, "the report's spans are in Jaeger")
    search_telemetry(canaries, stack)
    search_database(canaries, database)
    for topic in [name for variable, name in TOPICS.items() if "TOPIC" in variable]:
        canaries.search(f"the topic {topic}", f"{topic}: {topics.records(topic)}")
    search_logs(canaries, services.run_dir.logs)
    search_logs(canaries, stack.run_dir.logs)


def search_download(
    canaries: Canaries, api: httpx.Client, report: ask.Json, services: LifecycleStack, token: str
) -> None:
    """From the object store, by an address that is itself a credential: only who asks may see it."""
    answer = api.get(report["artefact"]["href"])
    assert answer.status_code == httpx.codes.TEMPORARY_REDIRECT, answer.text
    address = answer.headers["Location"]
    canaries.add("a signed address", parse_qs(urlsplit(address).query)["X-Amz-Signature"][0])
    canaries.search("the body of a redirect", f"body: {answer.text}")
    assert httpx.get(address, trust_env=False).text == "attempt 1\n"
    made = run(
        canaries,
        "waybill",
        *("artefact", report["id"], "-o", "-"),
        WAYBILL_API_URL=services.api_url,
        WAYBILL_TOKEN=token,
    )
    assert made.stdout == "attempt 1\n", made.stderr


# --- while nothing is


@contextmanager
def failing(canaries: Canaries, service: str, log: Path, ports: Ports, **variables: str) -> Iterator[int]:
    """A service that goes on although nothing else can be reached, or ends by itself; what it has written is
    searched."""
    settings = {
        **environment(),
        **canaries.settings(),
        "WAYBILL_LISTEN": f"127.0.0.1:{ports[service]}",
        "WAYBILL_HEALTH_LISTEN": f"127.0.0.1:{ports[f'{service}-health']}",
        "WAYBILL_HTTP_WORKERS": "1",
        "WAYBILL_DRAIN_SECONDS": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        **variables,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [SCRIPTS / service], env=settings, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield process.pid
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    canaries.search(f"the log of {service}", log.read_text(errors="replace"))


@pytest.fixture
def ports() -> Iterator[Ports]:
    found = Ports.free()
    yield found
    found.release()


def wrong_password(stack: Stack, canaries: Canaries) -> str:
    server = urlsplit(stack.endpoints.database_url)
    return (
        f"postgresql://waybill:{canaries('a wrong password of the database')}@127.0.0.1:{server.port}/waybill"
    )


@pytest.mark.parametrize("service", [API, WORKER])
def test_services_of_which_all_others_are_away_show_no_secret(
    service: str, stack: Stack, canaries: Canaries, ports: Ports, tmp_path: Path
) -> None:
    """The database refuses them, the broker speaks another protocol, store, collector and issuer are away."""
    log = tmp_path / "log"
    with failing(
        canaries,
        service,
        log,
        ports,
        WAYBILL_DATABASE_URL=wrong_password(stack, canaries),
        WAYBILL_KAFKA_BOOTSTRAP_SERVERS=stack.endpoints.kafka_bootstrap,
        WAYBILL_KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT",
        WAYBILL_ARTEFACT_URL="s3://reports/waybill",
        AWS_ENDPOINT="https://127.0.0.1:1",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
    ) as pid:
        health = f"http://127.0.0.1:{ports[f'{service}-health']}/readyz"

        def refused() -> bool:
            try:
                answer = httpx.get(health, trust_env=False, timeout=PATIENCE)
            except httpx.TransportError:
                return False
            canaries.search(f"{service}'s /readyz", answer.text)
            said = log.read_text(errors="replace")
            return answer.status_code == 503 and "password authentication failed" in said and "kafka" in said

        eventually(refused, f"{service} has said what it lacks")
        search_command_lines(canaries, pid)
        if service == API:
            statuses = ask_everything(f"http://127.0.0.1:{ports[service]}", canaries)
            assert 503 in statuses


WRONG = {
    "no such scheme": {"WAYBILL_DATABASE_URL": "mysql://waybill:{secret}@db/waybill"},
    "no such option": {"WAYBILL_DATABASE_URL": "postgresql://waybill:{secret}@db/waybill?{secret}=1"},
    "not a URL": {"WAYBILL_DATABASE_URL": "waybill:{secret}@db"},
    "no port": {"WAYBILL_DATABASE_URL": "postgresql://waybill:{secret}@db:port{secret}/waybill"},
    "the store's scheme": {"WAYBILL_ARTEFACT_URL": "ftp://waybill:{secret}@store/reports"},
    "the store's address": {"WAYBILL_ARTEFACT_URL": "s3://waybill:{secret}@/"},
    "the store's folder": {"WAYBILL_ARTEFACT_URL": "file:///proc/{secret}"},
    "a short session secret": {"WAYBILL_SESSION_SECRET": "{secret},short"},
    "a signing secret of another sort": {"WAYBILL_WEBHOOK_SECRET": "{secret}"},
    "a signing secret that is too long": {"WAYBILL_WEBHOOK_SECRET": "whsec_{secret}{secret}{secret}"},
    "an issuer with a password": {"WAYBILL_OIDC_ISSUERS": "https://waybill:{secret}@issuer"},
    "a file": {"WAYBILL_DATABASE_URL": "", "WAYBILL_DATABASE_URL_FILE": "postgresql://waybill:{secret}@db"},
    "both": {"WAYBILL_KAFKA_SASL_PASSWORD_FILE": "/{secret}"},
    "a key": {"WAYBILL_KAFKA_SECURITY_PROTOCOL": "SSL"},
    "a mechanism": {"WAYBILL_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "WAYBILL_KAFKA_SASL_MECHANISM": "NONE"},
}
"""What stops the start, or all that a service does, with a secret in it."""


OF_THE_WORKER = ("no such option", "a file", "a key", "a mechanism")
"""What a worker does not only read as the API does, or what it has alone."""


@pytest.mark.parametrize(
    ("service", "wrong"), [*((API, one) for one in WRONG), *((WORKER, one) for one in OF_THE_WORKER)]
)
def test_a_service_that_cannot_start_shows_no_secret(
    service: str, wrong: str, canaries: Canaries, ports: Ports, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    good = {
        "WAYBILL_DATABASE_URL": f"postgresql://waybill:{canaries('the database')}@127.0.0.1:1/waybill",
        "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "WAYBILL_ARTEFACT_URL": tmp_path.as_uri(),
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
    }
    variables = {name: value.format(secret=canaries(wrong)) for name, value in WRONG[wrong].items()}
    with failing(canaries, service, log, ports, **{**good, **variables}) as pid:
        eventually(lambda: log.stat().st_size > 0 and has_said(log, pid), f"{service} has said what is wrong")


def has_said(log: Path, pid: int) -> bool:
    said = log.read_text(errors="replace")
    return (
        not Path("/proc", str(pid)).exists() or _state(pid) == "Z" or "Traceback" in said or "kafka" in said
    )


def _state(pid: int) -> str:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


COMMANDS = {
    "migrate": ("WAYBILL_DATABASE_URL", ()),
    "create-key": ("WAYBILL_DATABASE_URL", ("--name", "a key", "--owner", "ops")),
    "topics": ("WAYBILL_KAFKA_SECURITY_PROTOCOL", ()),
}
"""Each with the variable that it reads, and what else it needs."""


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_that_fail_show_no_secret(command: str, stack: Stack, canaries: Canaries) -> None:
    variable, options = COMMANDS[command]
    addresses = {
        "WAYBILL_DATABASE_URL": wrong_password(stack, canaries),
        "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    }
    cases = [one for one in WRONG.values() if variable in one]
    if variable in addresses:
        cases.append({})
    assert len(cases) > 1
    for case in cases:
        variables = {name: value.format(secret=canaries(name)) for name, value in case.items()}
        done = run(canaries, "waybill", command, *options, **{**addresses, **variables})
        assert done.returncode in (1, 3), done.stderr


def test_help_shows_no_secret(canaries: Canaries) -> None:
    """Nor what a variable is set to, from which an option may take its default."""
    commands = [(), *_paths(get_command(app))]
    assert len(commands) > 20
    variables = {**canaries.settings(), "WAYBILL_DATABASE_URL": canaries("the database")}
    for command in commands:
        done = CliRunner().invoke(app, [*command, "--help"], env=variables)
        assert done.exit_code == 0, done.output
        canaries.search(f"the help of {command}", done.output)


def test_no_argument_takes_a_secret() -> None:
    """Others can see the command lines of a machine: only the file of a token has an option."""
    names = {
        name
        for command in [get_command(app), *_commands(get_command(app))]
        for parameter in command.params
        for name in parameter.opts
    }

    assert {name for name in names if any(word in name for word in ("token", "secret", "passw", "url"))} <= {
        "--token-file",
        "--api-url",
        "--jaeger-url",
    }


def _paths(command: "typer.core.TyperCommand | object") -> Iterator[tuple[str, ...]]:
    """What is typed for each command, and for those below it."""
    for name, one in getattr(command, "commands", {}).items():
        yield (name,)
        yield from ((name, *below) for below in _paths(one))


def _commands(command: "typer.core.TyperCommand | object") -> Iterator[typer.core.TyperCommand]:
    for one in getattr(command, "commands", {}).values():
        yield one
        yield from _commands(one)


def test_every_setting_that_holds_a_secret_has_one(canaries: Canaries) -> None:
    addresses = {"database_url", "artefact_url"}  # which the tests set as each of them needs
    held = {name for settings in (ApiSettings, WorkerSettings) for name in settings.secrets()}

    assert {f"{PREFIX}{name.upper()}" for name in held - addresses} <= canaries.settings().keys()
    canaries.search("nothing", "nothing")


def test_a_canary_is_found(canaries: Canaries) -> None:
    """Of what is searched: else the tests above could not fail."""
    found = Canaries()
    found.search("a text", f"it is {found('a place')} here")
    assert found.seen
    canaries.search("another text", "it is not here")
