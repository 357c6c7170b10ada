"""PostgreSQL: a cluster of this run alone, with a password of its own."""

import os
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from local.parts.part import Node, Part, Task
from local.paths import CHECKOUT

NAME = "waybill"  # of the user and of the database


def nodes(
    binaries: Path, directory: Path, port: int, settings: Mapping[str, str] | None = None
) -> list[Node]:
    """The server, with `settings` of its configuration, and before it the tasks that make its cluster if
    `directory` has none."""
    data = directory / "data"
    tasks = [] if (data / "PG_VERSION").exists() else _make_cluster(binaries, directory, data)
    server = Part(
        name="postgres",
        command=(
            *unprivileged(),
            str(binaries / "postgres"),
            *("-D", str(data)),
            *("-c", f"port={port}"),
            *("-c", "listen_addresses=127.0.0.1"),
            *("-c", "unix_socket_directories="),
            *(word for name, value in (settings or {}).items() for word in ("-c", f"{name}={value}")),
        ),
        health=f"postgresql://{NAME}@127.0.0.1:{port}/{NAME}",
        port=port,
        needs=tuple(task.name for task in tasks),
        stop_signal=signal.SIGINT,  # "fast": it does not wait for its clients to go
    )
    return [*tasks, server]


def database_url(directory: Path, port: int) -> str:
    return f"postgresql://{NAME}:{_password(directory).read_text()}@127.0.0.1:{port}/{NAME}"


def unprivileged() -> tuple[str, ...]:
    """What to put before PostgreSQL's programs: they refuse to run as root, also in a container."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return ()
    return ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")


def _make_cluster(binaries: Path, directory: Path, data: Path) -> list[Task]:
    initdb = Task(
        name="initdb",
        command=(
            *unprivileged(),
            str(binaries / "initdb"),
            f"--pgdata={data}",
            f"--username={NAME}",
            f"--pwfile={_password(directory)}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ),
    )
    createdb = Task(
        name="createdb",
        command=(*unprivileged(), str(binaries / "postgres"), "--single", "-D", str(data), "postgres"),
        stdin=CHECKOUT / "local/postgres/create-database.sql",
        needs=("initdb",),
    )
    return [initdb, createdb]


def _password(directory: Path) -> Path:
    """The file with the password, made at the first call: other users of the machine must not get in."""
    file = directory / "password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(16))
    return file
