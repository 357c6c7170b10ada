"""A process that does maintenance alone: `python -m tests.support.maintaining NAME GRACE < URL`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from subprocess import PIPE, Popen

from tests.support.lifecycle_store import Policies, Store, engine_of
from waybill.artefacts import ArtefactStore
from waybill.domain import LeasePolicy
from waybill.maintenance import Maintenance, MaintenancePolicy
from waybill.store import TaskLease

_OFTEN = timedelta(seconds=0.2)


@contextmanager
def maintaining(url: str, name: str, grace: timedelta = timedelta(0)) -> Iterator[Popen[str]]:
    """One that runs, and is killed in the end; closing its input ends it as a service ends."""
    command = [sys.executable, "-m", __name__, name, str(grace.total_seconds())]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        try:
            assert process.stdin
            assert process.stdout
            process.stdin.write(url + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "started\n"
            yield process
        finally:
            process.kill()


def main() -> None:
    name, grace = sys.argv[1:]
    with engine_of(sys.stdin.readline().strip(), application=name) as engine:
        store = Store(engine, ArtefactStore("memory:///"), Policies())
        maintenance = Maintenance(
            store.recovery,
            store.retention,
            store.artefacts,
            LeasePolicy(time_to_live=_OFTEN),
            MaintenancePolicy(_OFTEN, _OFTEN, timedelta(seconds=float(grace))),
            lambda task, length: TaskLease(engine, task, name, length),
        )
        maintenance.start()
        sys.stdout.write("started\n")
        sys.stdout.flush()
        sys.stdin.read()
        maintenance.stop()


if __name__ == "__main__":
    main()
