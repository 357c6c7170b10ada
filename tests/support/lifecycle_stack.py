"""Services of their own beside those of the shared stack: short leases, kinds that go wrong.

They use the same PostgreSQL, Kafka, collector and Jaeger, in a database and topics of their own; so what is
done to them disturbs nobody else.
"""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from local.parts import postgres, services
from local.parts.part import Node, Part
from local.ports import Ports
from local.run_dir import RunDir
from local.runner import Runner
from local.stack import Stack
from tests.support.metadata import write_metadata
from waybill.topics import Topics as Names

LEASE = timedelta(seconds=6)
RETRY_FIRST = timedelta(seconds=1)
ENQUEUE_AGAIN = timedelta(seconds=300)
CANCEL_GRACE = timedelta(seconds=1)
SLOT_MEMORY_MIB = 512

NAMES = Names("lifecycle-report", "lifecycle-report-status", "lifecycle-report-dead-letter")
API, WORKER = "producer-api", "report-worker"

_KINDS = Path(__file__).parent / "kinds"


@dataclass
class LifecycleStack:
    """A producer-api and a report-worker, under the names `API` and `WORKER`. `settings` are the worker's;
    `database_url` is the owner's, whose rights the services do not have."""

    runner: Runner
    run_dir: RunDir
    ports: Ports
    settings: Mapping[str, str]
    database_url: str

    @property
    def definitions(self) -> Path:
        """The folder from which the API reads definitions of reports."""
        return Path(self.settings["WAYBILL_DEFINITIONS"])

    @property
    def sources(self) -> Path:
        """The file that says what they read; not there unless a test writes it."""
        return Path(self.settings["WAYBILL_SOURCES"])

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['api']}"

    @property
    def artefacts(self) -> Path:
        return self.run_dir.part("artefacts")

    @contextmanager
    def second_worker(self) -> Iterator[str]:
        """One more worker while the block runs; its name."""
        name = "second-worker"
        self.runner.start_part(_worker(self.settings, self.ports[name], name))
        try:
            yield name
        finally:
            self.runner.stop_part(name)

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """A worker as a machine in trouble leaves it: it stands still while the block runs, then goes on."""
        process = self.runner.process(name)
        process.send(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send(signal.SIGCONT)

    @contextmanager
    def killed(self, name: str) -> Iterator[None]:
        """A worker that ends at any instruction; it is there again after the block."""
        part, process = self.runner.node(name), self.runner.process(name)
        self.runner.expect_end(name)
        process.send(signal.SIGKILL)
        process.wait(30)
        try:
            yield
        finally:
            self.runner.start_part(part)

    @contextmanager
    def dying(self, name: str) -> Iterator[None]:
        """A worker that ends by itself in the block, or after it; it is started again."""
        part, process = self.runner.node(name), self.runner.process(name)
        self.runner.expect_end(name)
        yield
        process.wait(90)
        self.runner.start_part(part)

    def pid(self, name: str) -> int:
        return self.runner.process(name).pid

    def log(self, name: str) -> str:
        return self.run_dir.log(name).read_text(errors="replace")


@contextmanager
def lifecycle_stack(
    stack: Stack, database_url: str, directory: Path, more_settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[LifecycleStack]:
    """Starts the services on the parts of `stack`, and stops them. `more_settings` win over those of here."""
    run_dir = RunDir(directory)
    run_dir.open(fresh=True)
    settings = services.settings(
        database_url=database_url,
        kafka_bootstrap=stack.endpoints.kafka_bootstrap,
        otlp_endpoint=stack.endpoints.otlp_endpoint,
        artefacts=run_dir.part("artefacts"),
        temporary=run_dir.part("tmp"),
    )
    settings |= {**_settings(directory), **more_settings}
    api, worker = (services.with_role(settings, role) for role in (postgres.API_ROLE, postgres.WORKER_ROLE))
    ports, runner = Ports.free(), Runner(run_dir)
    started = LifecycleStack(runner, run_dir, ports, worker, database_url)
    scripts = _scripts()
    try:
        nodes: list[Node] = [
            *services.preparations(scripts, settings),
            services.producer_api(scripts, api, ports["api"], ports["api-health"]),
            services.report_worker(scripts, worker, ports["worker-health"], WORKER),
        ]
        runner.start([_without_shared_needs(node) for node in nodes], lambda *_: None)
        yield started
        runner.check()
    finally:
        runner.stop(lambda *_: None)
        ports.release()
        run_dir.close()


def _settings(directory: Path) -> dict[str, str]:
    metadata = write_metadata(_KINDS, directory / "kinds")
    definitions = directory / "definitions"
    definitions.mkdir()
    path = [str(_KINDS / "src"), str(metadata), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "WAYBILL_DEFINITIONS": str(definitions),
        "WAYBILL_SOURCES": str(directory / "sources.yaml"),
        "WAYBILL_KAFKA_TOPIC_REPORT": NAMES.report,
        "WAYBILL_KAFKA_TOPIC_REPORT_STATUS": NAMES.report_status,
        "WAYBILL_KAFKA_TOPIC_REPORT_DEAD_LETTER": NAMES.report_dead_letter,
        "WAYBILL_KAFKA_GROUP": "lifecycle",
        "WAYBILL_HTTP_WORKERS": "1",
        "WAYBILL_LEASE_SECONDS": f"{LEASE.total_seconds()}",
        "WAYBILL_HEARTBEAT_SECONDS": "0.5",
        "WAYBILL_RETRY_INITIAL_DELAY_SECONDS": f"{RETRY_FIRST.total_seconds()}",
        "WAYBILL_REQUEUE_AFTER_SECONDS": f"{ENQUEUE_AGAIN.total_seconds()}",
        "WAYBILL_MAINTENANCE_INTERVAL_SECONDS": "0.3",
        "WAYBILL_SLOTS": "3",
        "WAYBILL_SLOT_MEMORY_MIB": str(SLOT_MEMORY_MIB),
        "WAYBILL_CANCEL_GRACE_SECONDS": f"{CANCEL_GRACE.total_seconds()}",
        "WAYBILL_DRAIN_SECONDS": "1",
    }


def _worker(settings: Mapping[str, str], port: int, name: str) -> Part:
    return replace(services.report_worker(_scripts(), settings, port, name), needs=())


def _without_shared_needs(node: Node) -> Node:
    """The shared stack has started the other parts."""
    return replace(node, needs=tuple(need for need in node.needs if need in {"migrate", "topics"}))


def _scripts() -> Path:
    return Path(sys.executable).parent
