"""What is done to the stack: each fault by its name, in the order in which they run."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.injectors import (
    collector,
    database,
    disk,
    kafka,
    messages,
    processes,
    streams,
    workers,
)
from tests.faults.run import Run


@dataclass(frozen=True)
class Fault:
    """`inject` does it, under load that it starts itself. `proxied`: the services' connections to
    PostgreSQL, Kafka and the collector go through the proxies."""

    name: str
    inject: Callable[[Run], None]
    proxied: bool = False


FAULTS = (
    Fault("worker-kill", workers.kill),
    Fault("worker-pause", workers.pause),
    Fault("rolling-restart", workers.rolling_restart),
    Fault("stream-cut", streams.cut),
    Fault("api-kill", processes.kill_api_before_publish),
    Fault("relay-kill", processes.kill_relay_before_delete),
    Fault("messages-doubled", messages.doubled_and_replayed),
    Fault("messages-poison", messages.poison),
    Fault("disk-full", disk.full),
    Fault("collector-down", collector.down, proxied=True),
    Fault("collector-hanging", collector.hanging, proxied=True),
    Fault("collector-refusing", collector.refusing, proxied=True),
    Fault("kafka-down", kafka.down, proxied=True),
    Fault("kafka-restart", kafka.restart, proxied=True),
    Fault("kafka-slow", kafka.slow, proxied=True),
    Fault("kafka-half-open", kafka.half_open, proxied=True),
    Fault("database-restart", database.restart, proxied=True),
    Fault("database-cut", database.cut, proxied=True),
    Fault("kafka-data-lost", kafka.data_lost, proxied=True),
)

__all__ = ["FAULTS", "Fault"]
