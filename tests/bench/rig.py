"""The real stack as the benchmark needs it: with its kinds, and readable from outside."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from local.installation import Installation
from local.parts import kafka
from local.ports import Ports
from local.stack import Stack
from tests.bench.errors import CannotMeasure
from tests.faults.proxy import Proxy
from tests.support.metadata import write_metadata

API, WORKER = "producer-api", "report-worker"
PARTS = ("postgres", "kafka", "collector", "jaeger")
SLOTS = 2

_KINDS = Path(__file__).parent / "kind"
_COUNTED_POSTGRES = {
    "shared_preload_libraries": "pg_stat_statements",
    # WAL of the changes alone: a page's first change after a checkpoint would bring the whole page.
    "full_page_writes": "off",
    # Its transactions would be counted beside those of the reports.
    "autovacuum": "off",
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What is to be different from the default settings. `api` and `worker` are more environment."""

    api: Mapping[str, str]
    worker: Mapping[str, str]
    counted: bool = False
    """PostgreSQL counts statements, and the worker reaches Kafka through a proxy that counts bytes."""

    @classmethod
    def make(
        cls,
        common: Mapping[str, str] | None = None,
        *,
        api: Mapping[str, str] | None = None,
        worker: Mapping[str, str] | None = None,
        counted: bool = False,
    ) -> "Options":
        """`common` is for both services."""
        shared = common or {}
        return cls(
            api={"WAYBILL_HTTP_WORKERS": "2", "WAYBILL_HTTP_THREADS": "64", **shared, **(api or {})},
            worker={"WAYBILL_SLOTS": str(SLOTS), **shared, **(worker or {})},
            counted=counted,
        )


class Rig:
    """A stack that runs, with an API and a worker. One thread uses it."""

    def __init__(self, stack: Stack, broker: Proxy, worker: Mapping[str, str]) -> None:
        """Only `started` calls this."""
        self.stack = stack
        self._broker = broker
        self._worker = worker
        self._workers = set[str]()

    @property
    def api_url(self) -> str:
        return self.stack.endpoints.api_url

    @property
    def database_url(self) -> str:
        return self.stack.endpoints.database_url

    @property
    def statistics_url(self) -> str:
        """A database beside Waybill's: what is asked there is not counted as Waybill's."""
        return self.database_url.rpartition("/")[0] + "/postgres"

    @property
    def artefacts(self) -> Path:
        """The folder where the reports' files are."""
        return self.stack.run_dir.part("artefacts")

    @property
    def kafka_bytes(self) -> int:
        """What the broker has sent to the worker; 0 where it is not counted."""
        return self._broker.answered

    def start_worker(self, name: str, settings: Mapping[str, str]) -> None:
        """With more `settings`. The first time, a worker but the stack's own is added to it."""
        if name != WORKER and name not in self._workers:
            self._workers.add(name)
            self.stack.add_worker(name, **{**self._worker, **settings})
        else:
            self.stack.start_part(name, **settings)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Of Waybill's database, in a transaction of its own."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement, values).fetchall()

    def run(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.database_url) as connection:
            connection.execute(statement, values)

    def count_statements(self) -> None:
        """Makes PostgreSQL's view of what it has executed."""
        with psycopg.connect(self.statistics_url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


@contextmanager
def started(directory: Path, say: Say, options: Options) -> Iterator[Rig]:
    """A new stack in `directory`, which answers; it is stopped in the end, whatever happens."""
    if not Path("/proc/self/stat").exists():
        raise CannotMeasure("processes are measured by Linux's /proc, which is not there")
    with ExitStack() as ending:
        directory.mkdir(parents=True)
        kinds = directory / "kinds"
        ports = Ports.free()
        broker = Proxy(ports["kafka-relayed"])
        ending.callback(broker.close)
        if options.counted:
            _check_statistics(Installation.find().postgres)
        common = {"PYTHONPATH": kinds_path(kinds), "WAYBILL_LOG_LEVEL": "warning"}
        worker = {**common, **options.worker}
        if options.counted:
            worker["WAYBILL_KAFKA_BOOTSTRAP_SERVERS"] = f"127.0.0.1:{broker.port}"
        stack = Stack.start(
            directory,
            ports=ports,
            settings={API: {**common, **options.api}, WORKER: worker},
            kafka_relayed=kafka.Relayed(ports["kafka-relayed"], broker.port),
            postgres_settings=_COUNTED_POSTGRES if options.counted else None,
            report=lambda name, seconds: say(f"{name} {seconds:.1f} s"),
        )
        ending.callback(stack.stop)
        rig = Rig(stack, broker, worker)
        if options.counted:
            rig.count_statements()
        yield rig


def kinds_path(folder: Path) -> str:
    """`PYTHONPATH` of the services, so that they find the benchmark's kinds; `folder` gets what it needs."""
    folder.mkdir(exist_ok=True)
    return f"{_KINDS / 'src'}{os.pathsep}{write_metadata(_KINDS, folder)}"


def _check_statistics(postgres: Path) -> None:
    """`pg_config` says where PostgreSQL's libraries are; without it, they are beside the programs."""
    program = postgres / "pg_config"
    command = [str(program), "--pkglibdir"]
    found = (
        subprocess.run(command, capture_output=True, text=True, check=False).stdout
        if program.exists()
        else ""
    )
    folders = (
        [Path(found.strip())] if found else [postgres.parent / "lib", postgres.parent / "lib/postgresql"]
    )
    if not any((folder / "pg_stat_statements.so").exists() for folder in folders):
        raise CannotMeasure("PostgreSQL has no pg_stat_statements: apt-get install postgresql-contrib")
