"""What the peers run in: a virtual environment of their own, and a Redis. Both say what they do."""

import shutil
import sys
from pathlib import Path

from local import cache
from local.install import python
from local.install.context import Context
from local.paths import CHECKOUT
from local.process import Launcher
from local.progress import Progress
from tests.bench.errors import CannotMeasure

REQUIREMENTS = CHECKOUT / "tests/bench/requirements.txt"
VENV = CHECKOUT / ".run/peers"
_STAMP = VENV / "waybill-setup"
_LOGS = CHECKOUT / ".run/setup"


def install() -> Path:
    """The folder of its commands; installs what is not there, and names it."""
    wanted = f"{sys.version}\n{cache.digest(REQUIREMENTS)}\n"
    if not _STAMP.exists() or _STAMP.read_text() != wanted:
        _make(wanted)
    return VENV / "bin"


def _make(stamp: str) -> None:
    _LOGS.mkdir(parents=True, exist_ok=True)
    count = REQUIREMENTS.read_text().count("==")
    sys.stdout.write(f"peers: {count} packages of {REQUIREMENTS.relative_to(CHECKOUT)} go into {VENV}\n")
    with Launcher() as launcher, Progress(sys.stdout) as progress, progress.task("peers") as task:
        context = Context(launcher, _LOGS / "peers.log", task)
        uv = str(python.uv(context))
        environment = {**python.uv_environment(), "VIRTUAL_ENV": str(VENV)}
        commands = (
            ("venv", "--clear", "--python", sys.executable, str(VENV)),
            ("pip", "sync", "--require-hashes", "--compile-bytecode", str(REQUIREMENTS)),
        )
        for command in commands:
            context.run(command[0], (uv, *command), environment=environment)
    _STAMP.write_text(stamp)


def redis_server() -> Path:
    """Raises `CannotMeasure` where there is none."""
    found = shutil.which("redis-server")
    if found is None:
        raise CannotMeasure(
            "Celery and Dramatiq need redis-server, which is not there: apt-get install redis-server (with "
            "Debian). Or leave them out: BENCH_PEERS=procrastinate,awa,floor."
        )
    return Path(found)
