"""The real parts of one machine as one thing that starts, stops, and can be disturbed on purpose."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from local import examples
from local.installation import Installation
from local.parts import kafka, postgres, services, telemetry
from local.parts.part import Node, Part
from local.ports import Ports
from local.run_dir import RunDir
from local.runner import Report, Runner

_WATCH_SECONDS = 0.25


@dataclass(frozen=True)
class Endpoints:
    """Where the parts answer, in the form that the clients of each take."""

    api_url: str
    api_health_url: str
    worker_health_url: str
    jaeger_url: str
    otlp_endpoint: str
    """The collector's OTLP over HTTP."""
    trace_buffer_url: str
    """Where traces are read while there is no Jaeger."""
    span_metrics_url: str
    """The collector's metrics made from spans, for Prometheus."""
    kafka_bootstrap: str
    database_url: str

    def environment(self) -> dict[str, str]:
        """The variables of the run directory's `env`."""
        return {
            "WAYBILL_API_URL": self.api_url,
            "JAEGER_URL": self.jaeger_url,
            "KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "DATABASE_URL": self.database_url,
            "OTLP_ENDPOINT": self.otlp_endpoint,
        }


def _silent(_name: str, _seconds: float) -> None:
    """A Report that does nothing."""


class Stack:
    """PostgreSQL, Kafka, Jaeger, the collector and Waybill's services, as children of this process.

        with Stack.start(tmp_path) as stack:
            httpx.get(f"{stack.endpoints.api_url}/healthz")
            stack.stop_part("collector")

    The parts' names: `postgres`, `kafka`, `jaeger`, `collector`, `producer-api`, `report-worker`. Where the
    installation has no Jaeger, `trace-buffer` takes the place of `jaeger` and `collector` until `add_jaeger`.
    What was started ends with the stack, and also if this process is killed. One thread may use a stack at a
    time.
    """

    def __init__(self, run_dir: RunDir, installation: Installation, ports: Ports) -> None:
        """Only `start` calls this."""
        self.run_dir = run_dir
        self.ports = ports
        self.endpoints = _endpoints(run_dir, ports)
        self._installation = installation
        self._runner = Runner(run_dir)

    @classmethod
    def start(
        cls,
        run_dir: Path,
        *,
        installation: Installation | None = None,
        ports: Ports | None = None,
        services: bool = True,
        fresh: bool = True,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        kafka_relayed: kafka.Relayed | None = None,
        postgres_settings: Mapping[str, str] | None = None,
        with_examples: bool = False,
        report: Report = _silent,
    ) -> "Stack":
        """Starts everything and returns when all of it answers; stops what it started if any of it fails.

        Without `ports`, free ones. Without `services`, the four real parts alone. With `fresh=False`, the
        data of an earlier run in `run_dir` stays. `settings` is more environment for a service, by its name;
        with `kafka_relayed` the broker serves clients behind a proxy too; `postgres_settings` are of
        PostgreSQL's configuration; `with_examples` the API offers the definitions of `local/definitions`.
        Raises PartFailedError, AlreadyRunningError, NotInstalledError.
        """
        installation = installation or Installation.find()
        directory = RunDir(run_dir)
        directory.open(fresh=fresh)
        stack = cls(directory, installation, ports or Ports.free())
        try:
            nodes = stack._real_parts(kafka_relayed, postgres_settings)
            if services:
                nodes += stack._services(settings or (stack._examples() if with_examples else {}))
            stack._runner.start(nodes, report)
            directory.write_env(stack.endpoints.environment())
        except BaseException:
            stack.stop()
            raise
        return stack

    def stop(self, report: Report = _silent) -> None:
        """Stops services, collector, Jaeger, Kafka and PostgreSQL in this order. Leaves nothing running."""
        try:
            self._runner.stop(report)
        finally:
            self.ports.release()
            self.run_dir.close()

    def add_jaeger(self, binary: Path) -> None:
        """Starts Jaeger and the collector; the trace buffer then forwards all that it has received."""
        for part in self._jaeger(binary):
            self._runner.start_part(part)
        self._runner.add_need(telemetry.TRACE_BUFFER, telemetry.COLLECTOR)

    @property
    def has_jaeger(self) -> bool:
        """Whether it was started with Jaeger; else spans go through the trace buffer."""
        return self._installation.jaeger is not None

    def start_part(self, name: str, **settings: str) -> None:
        """Starts a part that was stopped or killed, on the same port and data, and waits until it answers.

        `settings` are more environment for it, from now on.
        """
        part = self._runner.node(name)
        self._runner.start_part(replace(part, environment={**part.environment, **settings}))

    def stop_part(self, name: str) -> int:
        """Stops a part as the stack does at its end. Returns its exit code; negative if a signal ended it."""
        return self._runner.stop_part(name)

    def restart(self, name: str, **settings: str) -> None:
        self.stop_part(name)
        self.start_part(name, **settings)

    def add_worker(self, name: str, **settings: str) -> None:
        """Starts one more report-worker, under a name of its own, and waits until it answers."""
        environment = {**services.with_role(self._service_settings(), postgres.WORKER_ROLE), **settings}
        scripts = self._installation.scripts
        worker = services.report_worker(
            scripts, environment, self.ports[name], name, telemetry=self._telemetry_part
        )
        self._runner.start_part(worker)

    def kill(self, name: str, number: int) -> None:
        """Sends a signal to the part's main process, and returns at once."""
        if number not in (signal.SIGSTOP, signal.SIGCONT):
            self._runner.expect_end(name)
        self._runner.process(name).send(number)

    def wait_exit(self, name: str, seconds: float = 30) -> int:
        """Blocks until a part has ended, and returns its exit code; TimeoutError after `seconds`."""
        return self._runner.process(name).wait(seconds)

    def pid(self, name: str) -> int:
        return self._runner.process(name).pid

    def log(self, name: str) -> Path:
        return self.run_dir.log(name)

    def check(self) -> None:
        """Raises PartFailedError if a part has ended that was not stopped."""
        self._runner.check()

    def watch(self, until: Callable[[], bool]) -> None:
        """Blocks until `until` holds; raises PartFailedError within a second of a part's end."""
        while not until():
            self.check()
            time.sleep(_WATCH_SECONDS)

    def run_client(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Runs a command with our own output and returns its exit code. Raises as `watch` does."""
        return self._runner.run_client(command, environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _real_parts(
        self, kafka_relayed: kafka.Relayed | None, postgres_settings: Mapping[str, str] | None
    ) -> list[Node]:
        found, ports, run_dir = self._installation, self.ports, self.run_dir
        broker = kafka.Program(found.java, found.kafka_libraries, kafka.with_archive(found.kafka_archive))
        return [
            *postgres.nodes(found.postgres, run_dir.part("postgres"), ports["postgres"], postgres_settings),
            *kafka.nodes(
                broker, run_dir.part("kafka"), ports["kafka"], ports["kafka-controller"], kafka_relayed
            ),
            *self._telemetry(),
        ]

    def _telemetry(self) -> list[Node]:
        found, ports = self._installation, self.ports
        if found.jaeger is None:
            directory = self.run_dir.part(telemetry.TRACE_BUFFER)
            return [telemetry.trace_buffer(found.scripts / "python", directory, ports)]
        return [*self._jaeger(found.jaeger)]

    def _jaeger(self, binary: Path) -> tuple[Part, Part]:
        """It and the collector."""
        directory = self.run_dir.part(telemetry.JAEGER)
        return telemetry.jaeger(binary, directory, self.ports), telemetry.collector(binary, self.ports)

    @property
    def _telemetry_part(self) -> str:
        """The part that the services send spans and metrics to."""
        return telemetry.COLLECTOR if self.has_jaeger else telemetry.TRACE_BUFFER

    def _examples(self) -> Mapping[str, Mapping[str, str]]:
        environment = self._installation.scripts.parent
        return examples.settings(self.run_dir.part("examples"), environment, self.endpoints.jaeger_url)

    def _services(self, settings: Mapping[str, Mapping[str, str]]) -> list[Node]:
        common = self._service_settings()
        jaeger_url = self.endpoints.jaeger_url
        traces = {"WAYBILL_JAEGER_URL": jaeger_url, "WAYBILL_JAEGER_PUBLIC_URL": jaeger_url}
        api = {**services.with_role(common, postgres.API_ROLE), **traces, **settings.get("producer-api", {})}
        worker = {**services.with_role(common, postgres.WORKER_ROLE), **settings.get("report-worker", {})}
        scripts, ports = self._installation.scripts, self.ports
        return [
            *services.preparations(scripts, common),
            services.producer_api(
                scripts, api, ports["api"], ports["api-health"], telemetry=self._telemetry_part
            ),
            services.report_worker(scripts, worker, ports["worker-health"], telemetry=self._telemetry_part),
        ]

    def _service_settings(self) -> dict[str, str]:
        endpoint = self.endpoints.otlp_endpoint if self.has_jaeger else self.endpoints.trace_buffer_url
        return services.settings(
            database_url=self.endpoints.database_url,
            kafka_bootstrap=self.endpoints.kafka_bootstrap,
            otlp_endpoint=endpoint,
            artefacts=self.run_dir.part("artefacts"),
            temporary=self.run_dir.part("tmp"),
        )


def _endpoints(run_dir: RunDir, ports: Ports) -> Endpoints:
    host = "127.0.0.1"
    return Endpoints(
        api_url=f"http://{host}:{ports['api']}",
        api_health_url=f"http://{host}:{ports['api-health']}",
        worker_health_url=f"http://{host}:{ports['worker-health']}",
        jaeger_url=f"http://{host}:{ports['jaeger']}",
        otlp_endpoint=f"http://{host}:{ports['otlp-http']}",
        trace_buffer_url=f"http://{host}:{ports[telemetry.TRACE_BUFFER]}",
        span_metrics_url=f"http://{host}:{ports['collector-span-metrics']}/metrics",
        kafka_bootstrap=f"{host}:{ports['kafka']}",
        database_url=postgres.database_url(run_dir.part("postgres"), ports["postgres"]),
    )
