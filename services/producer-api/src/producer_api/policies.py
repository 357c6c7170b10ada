"""The API's policies: made from settings, passed inwards."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class StreamPolicy:
    """`heartbeat`: a comment when nothing happens, so that proxies keep the connection. `catch_up`: how
    often a silent stream looks into the database, in case Kafka is away. `tick`: how quickly it drains.
    `most`: how many at once in a process; each has a thread."""

    heartbeat: timedelta = timedelta(seconds=15)
    catch_up: timedelta = timedelta(seconds=5)
    tick: timedelta = timedelta(seconds=0.5)
    reconnect: timedelta = timedelta(seconds=1)
    most: int = 56
