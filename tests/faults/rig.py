"""The real stack as the harness needs it: with kinds of its own, short leases, and proxies in between."""

import os
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg
from psycopg.rows import dict_row

from local.installation import Installation
from local.parts import kafka
from local.paths import CHECKOUT
from local.ports import Ports
from local.stack import Stack
from tests.faults.disk import Disk
from tests.faults.proxy import Proxy
from tests.faults.sabotage import SABOTAGE, TOKENS
from tests.support.kafka import Topics
from tests.support.metadata import write_metadata

Item = TypeVar("Item")

LEASE_SECONDS = 3.0
HEARTBEAT_SECONDS = 0.5
DRAIN_SECONDS = 1.0

API, FIRST_WORKER = "producer-api", "report-worker"
TENANTS = ("acme", "globex", "initech")
_PARTS = ("postgres", "kafka", "jaeger", "collector")

EFFECTS_DATABASE = "FAULTS_DATABASE_URL"
"""Tells the kind where its table is."""
STEPS_LOG = "FAULTS_STEPS_LOG"
"""Tells the kind `resumed` where it writes down which steps run."""

_KIND = Path(__file__).parent / "kind"
_EFFECTS = """
CREATE TABLE IF NOT EXISTS effects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL UNIQUE,
    report_id uuid NOT NULL,
    attempt integer NOT NULL,
    worker integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
)
"""
_END_REPORTS = """
UPDATE reports
SET status = 'cancelled', finished_at = clock_timestamp(), lease_owner = NULL, lease_expires_at = NULL
WHERE finished_at IS NULL
"""
_BY_FAULT = "CREATE INDEX reports_by_fault ON reports ((parameters->>'fault'), status)"


@dataclass(frozen=True)
class Proxies:
    """What stands between the services and their parts, while they are told to go through it."""

    database: Proxy
    kafka: Proxy
    collector: Proxy
    api: Proxy

    def pass_on(self) -> None:
        """No fault from now on."""
        for proxy in self._all:
            proxy.pass_on()

    def renew(self) -> None:
        """No fault from now on, nor any connection that one was done to."""
        self.pass_on()
        for proxy in self._all:
            proxy.cut()

    def close(self) -> None:
        for proxy in self._all:
            proxy.close()

    @property
    def _all(self) -> tuple[Proxy, ...]:
        return (self.database, self.kafka, self.collector, self.api)


Headers = Mapping[str, str]


class Rig:
    """Starts, disturbs and asks the stack. One thread uses it, but for `rows`, which any may call."""

    def __init__(self, directory: Path, *, proxied: bool = False) -> None:
        """`proxied`: the services reach PostgreSQL, Kafka and the collector through the proxies."""
        self.directory = directory
        self._proxied = proxied
        self._installation = Installation.find()
        self.tokens = directory / "tokens"
        self.steps_log = directory / "steps.log"
        self._ports = Ports.free()
        ports = self._ports
        self.proxies = Proxies(
            database=Proxy(ports["postgres"]),
            kafka=Proxy(ports["kafka-relayed"]),
            collector=Proxy(ports["otlp-http"]),
            api=Proxy(ports["api"]),
        )
        self.workers: list[str] = []
        self.clients: tuple[Headers, ...]
        """The credentials of those that request reports, of several tenants."""
        self.reader: Headers
        """Those of one that may see all of them."""
        self.stack: Stack
        self.disk: Disk
        self._started = ExitStack()

    # --- its start and end

    def start(self, workers: int, say: Callable[[str], None]) -> Self:
        """The parts, an API and so many workers; returns when all of them answer."""
        self._started.callback(self.proxies.close)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.tokens.mkdir(exist_ok=True)
            self.disk = Disk.mount(self.directory / "disk")
            self._started.callback(self.disk.unmount)
            scripts = _write_scripts(self.directory / "scripts", self._installation.scripts)
            self.stack = Stack.start(
                self.directory / "stack",
                installation=replace(self._installation, scripts=scripts),
                ports=self._ports,
                services=True,
                settings={API: self._own_settings(), FIRST_WORKER: self._own_settings()},
                kafka_relayed=kafka.Relayed(self._ports["kafka-relayed"], self.proxies.kafka.port),
                report=lambda name, seconds: say(f"  {name} {seconds:.1f} s"),
            )
            self._started.callback(self.stack.stop)
            self._started.callback(self.proxies.pass_on)  # so that all can end in peace
            self._prepare(workers)
        except BaseException:
            self.stop()
            raise
        return self

    def _prepare(self, workers: int) -> None:
        with self.database() as connection:
            connection.execute(_EFFECTS)
            connection.execute(_BY_FAULT)
        self.clients = tuple(self._client(tenant, "requester") for tenant in TENANTS)
        self.reader = self._client("default", "admin")
        self.workers = [FIRST_WORKER]
        # Where their parts are, and the table, is known only now.
        self.reconfigure(*([API, FIRST_WORKER] if self._proxied else [FIRST_WORKER]))
        while len(self.workers) < workers:
            self.workers.append(f"{FIRST_WORKER}-{len(self.workers) + 1}")
            self.stack.add_worker(self.workers[-1], **self.settings())

    def stop(self) -> None:
        """Leaves nothing running, whatever goes wrong."""
        self._started.close()

    def heal(self) -> None:
        """Undoes whatever a fault has done that did not come to its end; the services begin anew."""
        self.proxies.renew()
        self.disk.clear()
        for token in self._tokens():
            token.unlink(missing_ok=True)  # a process may take it first
        for name in self.workers:
            self.stack.kill(name, signal.SIGCONT)
        for part in _PARTS:
            if self.has_ended(part):
                self.stack.start_part(part)
        self.make_topics()
        self.reconfigure(API, *self.workers)

    def end_reports(self) -> None:
        """Of a fault that was judged with breaches: what is left of it must do nothing to the next one."""
        with self.database() as connection:
            connection.execute(_END_REPORTS)

    def has_ended(self, name: str) -> bool:
        """Whether a part's process is gone."""
        try:
            self.stack.wait_exit(name, 0)
        except TimeoutError:
            return False
        return True

    # --- the services

    def reconfigure(self, *names: str, sabotage: str = "", **more: str) -> None:
        """Starts services anew with other settings."""
        settings = {**self.settings(), SABOTAGE: sabotage, **more}
        self._at_once(lambda name: self.stack.restart(name, **settings), names)

    def restart_workers(self, *names: str) -> list[int]:
        """SIGTERM to all of them at once, and each is started again when it has ended: with which codes."""

        def restart(name: str) -> int:
            code = self.stack.stop_part(name)
            self.stack.start_part(name)
            return code

        return self._at_once(restart, names)

    @staticmethod
    def _at_once(act: Callable[[str], Item], names: Sequence[str]) -> list[Item]:
        with ThreadPoolExecutor(len(names)) as pool:
            return list(pool.map(act, names))

    def owner(self, name: str) -> str:
        """What a worker's leases are signed with, as a pattern for LIKE."""
        return f"%/{self.stack.pid(name)}"

    def settings(self) -> dict[str, str]:
        """Of every service, once the stack is there."""
        return {**self._own_settings(), **self._addresses()}

    def _own_settings(self) -> dict[str, str]:
        return {
            SABOTAGE: "",
            TOKENS: str(self.tokens),
            STEPS_LOG: str(self.steps_log),
            "WAYBILL_ARTEFACT_URL": self.disk.folder.as_uri(),
            "WAYBILL_LEASE_SECONDS": str(LEASE_SECONDS),
            "WAYBILL_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
            "WAYBILL_SLOTS": "1",
            "WAYBILL_DRAIN_SECONDS": str(DRAIN_SECONDS),
            "WAYBILL_RETRY_INITIAL_DELAY_SECONDS": "1",
            "WAYBILL_MAX_LOST_WORKERS": "1000",
            "WAYBILL_REQUEUE_AFTER_SECONDS": "86400",  # a lost command is not to be healed by time
            "WAYBILL_HTTP_WORKERS": "2",
            "WAYBILL_HTTP_THREADS": "64",
            "WAYBILL_LOG_LEVEL": "info",
            "WAYBILL_AUTH": "key",
        }

    def _addresses(self, *, direct: bool = False) -> dict[str, str]:
        """Where the services find their parts."""
        ports, proxies = self._ports, self.proxies
        postgres, broker, collector = (
            (proxies.database.port, proxies.kafka.port, proxies.collector.port)
            if self._proxied and not direct
            else (ports["postgres"], ports["kafka"], ports["otlp-http"])
        )
        return {
            EFFECTS_DATABASE: self._database_url,
            "WAYBILL_DATABASE_URL": self._database_url.replace(f":{ports['postgres']}/", f":{postgres}/"),
            "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector}",
        }

    # --- kills from inside

    def put_tokens(self, count: int) -> None:
        """So many times, a sabotaged process will kill itself."""
        for number in range(count):
            (self.tokens / f"token-{number}").touch()

    def tokens_left(self) -> int:
        return len(self._tokens())

    def clear_tokens(self) -> None:
        """And what was written down of the kills."""
        for file in self.tokens.iterdir():
            file.unlink()

    def _tokens(self) -> list[Path]:
        return list(self.tokens.glob("token-*"))

    # --- what is in it

    @property
    def topics(self) -> Topics:
        """Kafka without the proxy."""
        return Topics(self.stack.endpoints.kafka_bootstrap)

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        """PostgreSQL without the proxy, in one transaction."""
        with psycopg.connect(self._database_url, row_factory=dict_row, connect_timeout=5) as connection:
            yield connection

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        with self.database() as connection:
            return connection.execute(statement, values).fetchall()

    def lose_kafkas_data(self) -> None:
        """Formats the stopped broker's disk; it has no topics afterwards until `make_topics`."""
        found = self._installation
        program = kafka.Program(found.java, found.kafka_libraries)
        directory = self.stack.run_dir.part("kafka")
        for path in sorted((directory / "data").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        task = kafka.format_task(program, directory / "server.properties")
        subprocess.run(task.command, check=True, capture_output=True, timeout=60)

    def make_topics(self) -> None:
        """As whoever runs Waybill does, with its own command."""
        command = [str(self._installation.scripts / "waybill"), "topics"]
        environment = {**os.environ, **self._addresses(direct=True)}
        subprocess.run(command, check=True, capture_output=True, timeout=60, env=environment)

    def _client(self, tenant: str, role: str) -> Headers:
        """With a key of its own, made as the first one of an installation is."""
        options = ["--name", "the faults", "--owner", role, "--tenant", tenant, "--role", role]
        command = [str(self._installation.scripts / "waybill"), "create-key", *options]
        environment = {**os.environ, **self._addresses(direct=True)}
        made = subprocess.run(
            command, check=True, capture_output=True, timeout=60, env=environment, text=True
        )
        return {"Authorization": f"Bearer {made.stdout.strip()}"}

    @property
    def _database_url(self) -> str:
        return self.stack.endpoints.database_url


def _write_scripts(folder: Path, real: Path) -> Path:
    """Commands of the services that put the kind `effect` on their path, and sabotage where it is asked."""
    folder.mkdir(exist_ok=True)
    path = f"{_KIND / 'src'}{os.pathsep}{write_metadata(_KIND, folder)}"
    for service in (API, FIRST_WORKER):
        script = folder / service
        script.write_text(
            "#!/bin/sh\n"
            f'export PYTHONPATH="{path}${{PYTHONPATH:+:$PYTHONPATH}}"\n'
            f'[ -n "${SABOTAGE}" ] || exec "{real / service}"\n'
            f'export PYTHONPATH="{CHECKOUT}:$PYTHONPATH"\n'
            f'exec "{real / "python"}" -m tests.faults.sabotage {service}\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (folder / "waybill").unlink(missing_ok=True)
    (folder / "waybill").symlink_to(real / "waybill")
    return folder
