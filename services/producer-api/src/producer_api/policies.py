"""The API's policies, made from settings."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class StreamPolicy:
    """`heartbeat`: a stream without events sends a comment after this time, so that proxies keep the
    connection. `catch_up`: a stream without events reads the database after this time, in case Kafka is down.
    `tick`: how long a stream takes at most to notice that the process drains. `reconnect`: when a client
    comes back after its stream has ended. `max_streams`: open streams in a process; each takes a thread."""

    heartbeat: timedelta = timedelta(seconds=15)
    catch_up: timedelta = timedelta(seconds=5)
    tick: timedelta = timedelta(seconds=0.5)
    reconnect: timedelta = timedelta(seconds=1)
    max_streams: int = 56
