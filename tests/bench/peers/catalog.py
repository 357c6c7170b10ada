"""The peers: how each is set up, and what it promises."""

from collections.abc import Mapping
from dataclasses import dataclass

_MODULES = "tests.bench.peers"
PYTHON = "python"
_FSYNCED = "fsync at each commit, as Waybill's"
_APPENDED = (
    "Redis appends each message to its file and syncs that once a second: a crash may lose the last second"
)


@dataclass(frozen=True)
class Peer:
    """`workers` are commands of the peers' environment, each started once."""

    title: str
    module: str
    set_up: str
    durability: str
    workers: tuple[tuple[str, ...], ...]
    redis: bool = False

    @property
    def path(self) -> str:
        return f"{_MODULES}.{self.module}"


def _module(name: str) -> tuple[str, ...]:
    return (PYTHON, "-m", f"{_MODULES}.{name}", "work")


PEERS: Mapping[str, Peer] = {
    "celery": Peer(
        title="Celery",
        module="celery_app",
        set_up="two prefork processes, acks_late, prefetch 4, results in the same PostgreSQL, "
        "OpenTelemetry's instrumentation with the same collector",
        durability=f"{_APPENDED}; a result is committed to PostgreSQL, {_FSYNCED}",
        workers=(
            (
                *(
                    "celery",
                    "-A",
                    f"{_MODULES}.celery_app",
                    "worker",
                    "--concurrency",
                    "2",
                    "--pool",
                    "prefork",
                ),
                *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"),
            ),
        ),
        redis=True,
    ),
    "procrastinate": Peer(
        title="Procrastinate",
        module="procrastinate_app",
        set_up="two processes with one job at a time; untraced, no events for clients",
        durability=_FSYNCED,
        workers=(_module("procrastinate_app"),) * 2,
    ),
    "dramatiq": Peer(
        title="Dramatiq",
        module="dramatiq_app",
        set_up="two processes with one thread; no results, untraced",
        durability=_APPENDED,
        workers=(("dramatiq", f"{_MODULES}.dramatiq_app", "--processes", "2", "--threads", "1"),),
        redis=True,
    ),
    "awa": Peer(
        title="awa",
        module="awa_app",
        set_up="one process that runs two jobs at once; untraced",
        durability=_FSYNCED,
        workers=(_module("awa_app"),),
    ),
    "floor": Peer(
        title="the floor",
        module="floor_app",
        set_up="one loop: confluent-kafka, for each message one row, one commit, then its offset; untraced",
        durability=_FSYNCED,
        workers=(_module("floor_app"),),
    ),
}
