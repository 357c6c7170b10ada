"""Choice of loopback ports: the usual ones where they are free, never one that another stack has chosen."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

PREFERRED = {
    "api": 8080,
    "worker-health": 8081,
    "api-health": 8082,
    "jaeger": 16686,
    "jaeger-grpc": 16685,
    "jaeger-otlp": 14317,
    "jaeger-health": 13134,
    "otlp-http": 4318,
    "otlp-grpc": 4317,
    "trace-buffer": 4319,
    "collector-health": 13133,
    "collector-span-metrics": 8889,
    "collector-telemetry": 8888,
    "kafka": 9092,
    "kafka-controller": 9093,
    "postgres": 5432,
}

# Below the range from which the system takes ports for outgoing connections, above what is usually assigned.
FREE_RANGE = range(20000, 32000)


class Ports:
    """Ports by name, each kept from other stacks by a file lock until `release`.

    The lock matters because a port is chosen seconds before its part listens on it.
    """

    def __init__(self, preferred: Mapping[str, int], directory: Path | None = None) -> None:
        self._preferred = preferred
        self._directory = directory or Path(tempfile.gettempdir()) / f"waybill-ports-{os.getuid()}"
        self._chosen: dict[str, int] = {}
        self._locks: list[IO[str]] = []

    @classmethod
    def usual(cls) -> "Ports":
        """The well-known ports, another where one is taken."""
        return cls(PREFERRED)

    @classmethod
    def free(cls) -> "Ports":
        """None of the well-known ports: for stacks that live beside others."""
        return cls({})

    def __getitem__(self, name: str) -> int:
        """The port of that name, chosen at the first call."""
        if name not in self._chosen:
            self._chosen[name] = self._choose(name)
        return self._chosen[name]

    def moved(self) -> dict[str, tuple[int, int]]:
        """By name: the usual port that was taken, and the one chosen instead."""
        return {
            name: (self._preferred[name], port)
            for name, port in self._chosen.items()
            if name in self._preferred and self._preferred[name] != port
        }

    def release(self) -> None:
        for lock in self._locks:
            lock.close()
        self._locks.clear()
        self._chosen.clear()

    def _choose(self, name: str) -> int:
        usual = self._preferred.get(name)
        if usual is not None and self._reserve(usual):
            return usual
        others = set(PREFERRED.values())
        for port in random.sample(FREE_RANGE, k=len(FREE_RANGE)):
            if port not in others and self._reserve(port):
                return port
        raise OSError(f"no free port for {name} in {FREE_RANGE.start}-{FREE_RANGE.stop - 1}")

    def _reserve(self, port: int) -> bool:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self._directory / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        if not is_free(port):
            lock.close()
            return False
        self._locks.append(lock)
        return True


def is_free(port: int) -> bool:
    """Whether nothing listens there on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
