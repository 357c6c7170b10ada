"""Runs a peer beside a stack: on its PostgreSQL, Kafka and collector."""

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from local.paths import CHECKOUT
from local.process import Launcher, Process, last_lines
from tests.bench import artefacts
from tests.bench.artefacts import Work
from tests.bench.errors import CannotMeasure
from tests.bench.peers import environment, job
from tests.bench.peers.catalog import PEERS, Peer
from tests.bench.rig import Rig

_DATABASE = "peers"
_PREPARE_SECONDS = 600.0
_STOP_SECONDS = 15.0
_SERVER_SECONDS = 30.0
_FLASK = "tests.bench.peers.flask_app"
PATIENCE_SECONDS = 60.0


class Peers:
    """The peers of one stack. One thread uses it."""

    def __init__(self, rig: Rig, launcher: Launcher, directory: Path, redis_port: int, scripts: Path) -> None:
        """Only `beside` calls this."""
        self._launcher = launcher
        self._directory = directory
        self._scripts = scripts
        self._database_url = rig.database_url.rpartition("/")[0] + f"/{_DATABASE}"
        self._environment = {
            job.DATABASE_URL: self._database_url,
            job.REDIS_URL: f"redis://127.0.0.1:{redis_port}/0",
            job.KAFKA: rig.stack.endpoints.kafka_bootstrap,
            job.FOLDER: str(directory / "files"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": rig.stack.endpoints.otlp_endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "500",  # as Waybill's services here
            "PYTHONPATH": str(CHECKOUT),
        }

    @property
    def files(self) -> Path:
        """Where their jobs leave files."""
        return self._directory / "files"

    def make_database(self, peer: Peer) -> None:
        """A new one, with the peer's tables where it has no command that makes them on its way."""
        server = self._database_url.rpartition("/")[0] + "/postgres"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {_DATABASE}")
        if peer.module == "procrastinate_app":
            self.run((*_python("-c"), f"from {peer.path} import make_schema; make_schema()"))

    def prepare(self, peer: Peer, number: int) -> None:
        """Lets this number of jobs wait, and forgets those before."""
        shutil.rmtree(self.files, ignore_errors=True)
        self.files.mkdir(parents=True)
        self.make_database(peer)
        self.run((*_python("-m"), peer.path, "prepare", str(number)), name=peer.title.lower())

    def drain(self, peer: Peer, number: int) -> list[Work]:
        """Starts its workers, and stops them when all that waits is done: when each began."""
        with self.working(peer):
            artefacts.wait_for(self.files, number, PATIENCE_SECONDS)
        return artefacts.read_all(self.files)

    @contextmanager
    def working(self, peer: Peer) -> Iterator[None]:
        workers = [
            self.start(command, f"{peer.module}-{number}") for number, command in enumerate(peer.workers)
        ]
        try:
            yield
        except CannotMeasure as error:
            raise CannotMeasure(f"{peer.title}: {error}\n{self.last_lines(f'{peer.module}-0')}") from error
        finally:
            stop(workers)

    def start(self, command: Sequence[str], name: str, more: Mapping[str, str] | None = None) -> Process:
        """A command of the peers' environment, with its output in a log of that name."""
        log = self._log(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            return self._launcher.spawn(
                (self.script(command[0]), *command[1:]),
                environment={**self._environment, "OTEL_SERVICE_NAME": name, **(more or {})},
                directory=self._directory,
                output=output,
            )

    def run(self, command: Sequence[str], name: str = "peers") -> None:
        """To its end. Raises `CannotMeasure`."""
        process = self.start(command, name)
        try:
            code = process.wait(_PREPARE_SECONDS)
        finally:
            process.end_group()
        if code != 0:
            raise CannotMeasure(f"{' '.join(command)} ended with {code}:\n{self.last_lines(name)}")

    def script(self, name: str) -> str:
        """The path of a command of the peers' environment."""
        return str(self._scripts / name)

    def last_lines(self, name: str) -> str:
        return last_lines(self._log(name))

    def _log(self, name: str) -> Path:
        return self._directory / "logs" / f"{name}.log"


class FlaskRoutes:
    """The routes of `flask_app`, served in the peers' environment while they are needed."""

    def __init__(self, peers: Peers, port: int) -> None:
        self._peers = peers
        self._port = port

    @contextmanager
    def serving(self) -> Iterator[str]:
        """On a new database; their address, once they answer."""
        self._peers.make_database(PEERS["procrastinate"])
        self._peers.run((*_python("-c"), f"from {_FLASK} import make_table; make_table()"))
        shutil.rmtree(self._peers.files, ignore_errors=True)
        self._peers.files.mkdir()
        server = self._peers.start(_serve(self._peers.script("gunicorn"), self._port), "flask")
        try:
            wait_for_port(self._port, _SERVER_SECONDS, lambda: self._peers.last_lines("flask"))
            yield f"http://127.0.0.1:{self._port}"
        finally:
            stop([server])


def _serve(gunicorn: str, port: int) -> tuple[str, ...]:
    """By gunicorn's threaded worker, with as many processes and threads as Waybill's API has by default."""
    return (
        *("opentelemetry-instrument", gunicorn, "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"),
        *("--workers", "2", "--threads", "64", "--keep-alive", "15", "--log-level", "warning"),
        f"{_FLASK}:app",
    )


def stop(processes: Sequence[Process]) -> None:
    """All at once."""
    for process in processes:
        if process.exit_code is None:
            process.send(15)
    for process in processes:
        process.stop(seconds=_STOP_SECONDS)


def _python(option: str) -> tuple[str, str]:
    return ("python", option)


@contextmanager
def beside(rig: Rig, directory: Path, *, redis: bool) -> Iterator[Peers]:
    """What is started for them ends with the block."""
    with ExitStack() as ending:
        directory.mkdir(parents=True, exist_ok=True)
        scripts = environment.install()
        launcher = ending.enter_context(Launcher())
        port = rig.stack.ports["redis"]
        if redis:
            _start_redis(launcher, directory / "redis", port, ending)
        yield Peers(rig, launcher, directory, port, scripts)


def _start_redis(launcher: Launcher, directory: Path, port: int, ending: ExitStack) -> None:
    """Durable as its documentation advises: every write in a file that is synced once a second."""
    directory.mkdir()
    command = (
        *(
            str(environment.redis_server()),
            "--bind",
            "127.0.0.1",
            "--port",
            str(port),
            "--dir",
            str(directory),
        ),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
    )
    with (directory / "redis.log").open("ab") as output:
        server = launcher.spawn(command, environment=os.environ, directory=directory, output=output)
    ending.callback(server.stop)
    wait_for_port(port, _SERVER_SECONDS, lambda: last_lines(directory / "redis.log"))


def wait_for_port(port: int, seconds: float, log: Callable[[], str]) -> None:
    """Until something listens there. Raises `CannotMeasure`, with the log's end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise CannotMeasure(f"nothing answers on port {port} after {seconds:g} s:\n{log()}")
