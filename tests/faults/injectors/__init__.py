"""What is done to the stack: each fault by its name, in lanes that run side by side."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.injectors import (
    collector,
    database,
    disk,
    jobs,
    kafka,
    killers,
    messages,
    overload,
    processes,
    resume,
    streams,
    turns,
    vacuum,
    workers,
)
from tests.faults.run import Run


@dataclass(frozen=True)
class Fault:
    """`inject` does it, under load that it starts itself."""

    name: str
    inject: Callable[[Run], None]


@dataclass(frozen=True)
class Lane:
    """Faults that run one after the other on a stack of their own, with so many workers; `proxied`: the
    services' connections to PostgreSQL, Kafka and the collector go through the proxies."""

    name: str
    workers: int
    faults: tuple[Fault, ...]
    proxied: bool = False


# What waits goes beside what takes both processors: a killed worker's heirs beside an outage.
LANES = (
    Lane(
        "workers",
        4,
        (
            Fault("worker-kill", workers.kill),
            Fault("worker-pause", workers.pause),
            Fault("rolling-restart", workers.rolling_restart),
            Fault("job-failure", jobs.fail),
            Fault("job-kills-worker", killers.kill_their_workers),
            Fault("resume", resume.killed),
        ),
    ),
    Lane(
        "parts",
        2,
        (
            Fault("collector-down", collector.down),
            Fault("collector-hanging", collector.hanging),
            Fault("collector-refusing", collector.refusing),
            Fault("kafka-down", kafka.down),
            Fault("kafka-restart", kafka.restart),
            Fault("kafka-slow", kafka.slow),
            Fault("kafka-half-open", kafka.half_open),
            Fault("database-restart", database.restart),
            Fault("database-cut", database.cut),
            Fault("database-full", database.full),
            Fault("pool-exhausted", database.exhausted),
            Fault("vacuum-held-back", vacuum.held_back),
            Fault("api-kill", processes.kill_api_before_publish),
            Fault("relay-kill", processes.kill_relay_before_delete),
            Fault("disk-full", disk.full),
            Fault("stream-cut", streams.cut),
            Fault("overload", overload.sustained),
            Fault("turns", turns.changing),
            Fault("messages-doubled", messages.doubled_and_replayed),
            Fault("messages-poison", messages.poison),
            Fault("kafka-data-lost", kafka.data_lost),
        ),
        proxied=True,
    ),
)

__all__ = ["LANES", "Fault", "Lane"]
