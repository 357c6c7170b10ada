"""PostgreSQL: a cluster of this run alone, with passwords of its own."""

import hashlib
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from local.parts.part import Node, Part, Task

NAME = "waybill"  # of the database, and of the role that owns what is in it
API_ROLE, WORKER_ROLE = "waybill_api", "waybill_worker"


def nodes(
    binaries: Path, directory: Path, port: int, settings: Mapping[str, str] | None = None
) -> list[Node]:
    """The server, with `settings` of its configuration, and before it the tasks that make its cluster if
    `directory` has none."""
    data = directory / "data"
    tasks = _preparations(binaries, directory, data)
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


def as_role(url: str, role: str) -> str:
    """`url`, which is that of the owner, with another role of the cluster. Its password is made from the
    owner's, which cannot be found from it."""
    password = urlsplit(url).password or ""
    return url.replace(f"://{NAME}:{password}@", f"://{role}:{_password_of(role, password)}@", 1)


def _password_of(role: str, owners: str) -> str:
    return hashlib.sha256(f"{role} {owners}".encode()).hexdigest()[:32]


def unprivileged() -> tuple[str, ...]:
    """What to put before PostgreSQL's programs: they refuse to run as root, also in a container."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return ()
    return ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")


def _preparations(binaries: Path, directory: Path, data: Path) -> list[Task]:
    """Of a cluster that is not there yet, or has no roles yet, as one that an earlier version made."""
    has_cluster, statements = (data / "PG_VERSION").exists(), directory / "roles.sql"
    if has_cluster and statements.exists():
        return []
    _write_statements(statements, _password(directory).read_text(), with_database=not has_cluster)
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
    create = Task(
        name="create-roles",
        command=(*unprivileged(), str(binaries / "postgres"), "--single", "-D", str(data), "postgres"),
        stdin=statements,
        needs=() if has_cluster else ("initdb",),
    )
    return [create] if has_cluster else [initdb, create]


def _write_statements(file: Path, password: str, *, with_database: bool) -> None:
    """One on each line, as a server without clients reads them."""
    statements = [
        *([f"CREATE DATABASE {NAME};"] if with_database else []),
        *(
            f"CREATE ROLE {role} LOGIN PASSWORD '{_password_of(role, password)}';"
            for role in (API_ROLE, WORKER_ROLE)
        ),
    ]
    file.touch(mode=0o600)
    file.write_text("".join(f"{statement}\n" for statement in statements))


def _password(directory: Path) -> Path:
    """The file with the password, made at the first call: other users of the machine must not get in."""
    file = directory / "password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(16))
    return file
