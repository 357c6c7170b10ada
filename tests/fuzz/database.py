"""A PostgreSQL of its own, and nothing else of the stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import NotInstalledError
from local.install import postgres as installed
from local.parts import postgres
from local.ports import Ports
from local.run_dir import RunDir
from local.runner import Runner
from tests.support.lifecycle_store import engine_of
from waybill.store.migrate import migrate


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """Its URL, with the schema of now. Raises NotInstalledError where set-up has not run."""
    binaries = installed.find()
    if binaries is None:
        raise NotInstalledError(["postgres"])
    ports, run_dir = Ports.free(), RunDir(folder)
    run_dir.open(fresh=True)
    runner = Runner(run_dir)
    home = run_dir.part("postgres")
    try:
        # it may lose what it has: nothing here outlives the run
        unsafe = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        runner.start(postgres.nodes(binaries, home, ports["postgres"], unsafe), lambda *_: None)
        url = postgres.database_url(home, ports["postgres"])
        with engine_of(url, 1) as engine:
            migrate(engine)
        yield url
    finally:
        runner.stop(lambda *_: None)
        ports.release()
        run_dir.close()
