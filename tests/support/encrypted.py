"""Services whose every wire but Kafka's is TLS, with a PostgreSQL, a collector and a Jaeger of their own that
take nothing else, and no client without a certificate."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from local.installation import Installation
from local.parts import postgres, services, telemetry
from local.parts.part import Node, Part
from local.ports import Ports
from local.run_dir import RunDir
from local.runner import Runner
from local.stack import Stack
from tests.support.certificate_files import HOST, Authority, Files
from tests.support.waiting import PATIENCE, eventually
from waybill.store import StoreUnavailable, create_engine, ping

API, WORKER, COLLECTOR = "producer-api", "report-worker", "collector"
USER = "waybill"
"""In the database; its certificates have it as their common name."""
_TOPICS = {
    "WAYBILL_KAFKA_TOPIC_REPORT": "encrypted-report",
    "WAYBILL_KAFKA_TOPIC_REPORT_STATUS": "encrypted-report-status",
    "WAYBILL_KAFKA_TOPIC_REPORT_DEAD_LETTER": "encrypted-report-dead-letter",
    "WAYBILL_KAFKA_GROUP": "encrypted",
}


@dataclass(frozen=True)
class Parties:
    """Who shows which certificate. All trust `authority` alone; nothing knows `stranger`."""

    authority: Authority
    stranger: Authority
    server: Files
    """Of PostgreSQL, the collector and Jaeger."""
    api: Files
    client: Files
    """Of the services in PostgreSQL and at the collector, and of the collector at Jaeger."""

    @classmethod
    def make(cls, folder: Path) -> "Parties":
        folder.mkdir()
        authority = Authority(folder)
        return cls(
            authority,
            Authority(folder, "stranger"),
            server=authority.issue("server"),
            api=authority.issue("api"),
            client=authority.issue("client", "services", common_name=USER),
        )


@dataclass
class Encrypted:
    """The services run as `API` and `WORKER` of the runner."""

    parties: Parties
    runner: Runner
    run_dir: RunDir
    ports: Ports
    database: "Database"

    @property
    def api_url(self) -> str:
        return f"https://{HOST}:{self.ports['api']}"

    @property
    def jaeger_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['jaeger']}"

    def log(self, name: str) -> str:
        return self.run_dir.log(name).read_text(errors="replace")


@dataclass(frozen=True)
class Database:
    """A PostgreSQL that takes TLS alone, of clients whose certificate is their user's."""

    port: int
    password_url: str

    def url(self, options: Mapping[str, str | Path] | None = None, host: str = HOST) -> str:
        """With `options` of libpq."""
        address = self.password_url.replace("127.0.0.1", host)
        return f"{address}?{urlencode({'hostaddr': '127.0.0.1', **(options or {})})}"


@contextmanager
def database(parties: Parties, run_dir: RunDir, port: int) -> Iterator[Database]:
    directory = run_dir.part("postgres")
    rules = directory / "hba"
    rules.write_text("hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n")
    settings = {
        "hba_file": str(rules),
        "ssl": "on",
        "ssl_ca_file": str(parties.authority.file),
        "ssl_cert_file": str(parties.server.certificate),
        "ssl_key_file": str(parties.server.key),
    }
    *tasks, server = postgres.nodes(Installation.find().postgres, directory, port, settings)
    preparing = Runner(run_dir)
    try:
        preparing.start(tasks, lambda *_: None)
    finally:
        preparing.stop(lambda *_: None)
    found = Database(port, postgres.database_url(directory, port))
    # The stack's probe asks without TLS, and is refused.
    process = subprocess.Popen(server.command, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _answers(found, parties), "PostgreSQL answers")
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def database_options(parties: Parties) -> dict[str, str | Path]:
    """Of libpq: the server must be who it should be, and the client says who it is."""
    return {
        "sslmode": "verify-full",
        "sslrootcert": parties.authority.file,
        "sslcert": parties.client.certificate,
        "sslkey": parties.client.key,
    }


def _answers(database: Database, parties: Parties) -> bool:
    engine = create_engine(database.url(database_options(parties)), application="tests")
    try:
        ping(engine)
    except StoreUnavailable:
        return False
    finally:
        engine.dispose()
    return True


def exporter_variables(parties: Parties, port: int) -> dict[str, str]:
    """By which a service sends its spans to a collector, as the chart sets them."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://{HOST}:{port}",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(parties.authority.file),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(parties.client.certificate),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(parties.client.key),
    }


def collector(parties: Parties, ports: Ports, name: str = COLLECTOR, **exporter: str) -> Part:
    """`exporter`: its TLS towards Jaeger, in place of what is right."""
    towards_jaeger = {
        "ca_file": str(parties.authority.file),
        "cert_file": str(parties.client.certificate),
        "key_file": str(parties.client.key),
        **exporter,
    }
    part = telemetry.collector(_jaeger(), ports)
    options = (
        *_receiver("http", parties),
        *_receiver("grpc", parties),
        "--set=exporters.otlp.tls.insecure=false",
        *(f"--set=exporters.otlp.tls.{name}={value}" for name, value in towards_jaeger.items() if value),
    )
    return replace(part, name=name, command=(*part.command, *options), needs=())


def _receiver(protocol: str, parties: Parties) -> Iterator[str]:
    """As the chart has it: files/collector.yaml with collector.tls."""
    tls = {
        "cert_file": parties.server.certificate,
        "key_file": parties.server.key,
        "client_ca_file": parties.authority.file,
        "min_version": '"1.2"',  # text, for the collector's parser
    }
    return (f"--set=receivers.otlp.protocols.{protocol}.tls.{name}={value}" for name, value in tls.items())


def _jaeger() -> Path:
    binary = Installation.find().jaeger
    assert binary is not None
    return binary


def _telemetry(parties: Parties, run_dir: RunDir, ports: Ports) -> list[Node]:
    part = telemetry.jaeger(_jaeger(), run_dir.part(telemetry.JAEGER), ports)
    return [
        replace(part, command=(*part.command, *_receiver("grpc", parties))),
        collector(parties, ports),
    ]


@contextmanager
def encrypted(stack: Stack, directory: Path) -> Iterator[Encrypted]:
    """Starts all of it on Kafka of `stack`, and stops it."""
    run_dir, ports = RunDir(directory), Ports.free()
    run_dir.open(fresh=True)
    parties, runner = Parties.make(directory / "certificates"), Runner(run_dir)
    with ExitStack() as opened:
        opened.callback(run_dir.close)
        opened.callback(ports.release)
        store = opened.enter_context(database(parties, run_dir, ports["postgres"]))
        opened.callback(runner.stop, lambda *_: None)
        settings = services.settings(
            database_url=store.url(database_options(parties)),
            kafka_bootstrap=stack.endpoints.kafka_bootstrap,
            otlp_endpoint="",
            artefacts=run_dir.part("artefacts"),
            temporary=run_dir.part("tmp"),
        )
        settings |= {**_TOPICS, **exporter_variables(parties, ports["otlp-http"])}
        telemetry_parts = _telemetry(parties, run_dir, ports)
        runner.start([*telemetry_parts, *_services(parties, ports, settings)], lambda *_: None)
        yield Encrypted(parties, runner, run_dir, ports, store)
        runner.check()


def _services(parties: Parties, ports: Ports, settings: Mapping[str, str]) -> Iterator[Node]:
    scripts = Path(sys.executable).parent
    tls = {
        "WAYBILL_TLS_CERTIFICATE_FILE": str(parties.api.certificate),
        "WAYBILL_TLS_KEY_FILE": str(parties.api.key),
    }
    for task in services.preparations(scripts, settings):
        yield replace(task, needs=())
    api = services.producer_api(scripts, {**settings, **tls}, ports["api"], ports["api-health"])
    yield replace(api, health=f"http://127.0.0.1:{ports['api-health']}/readyz")
    yield services.report_worker(scripts, settings, ports["worker-health"], WORKER)
