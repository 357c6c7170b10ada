"""A PgBouncer in transaction mode before a database, on a port of its own."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from local.parts.postgres import API_ROLE, WORKER_ROLE, as_role, unprivileged
from local.ports import Ports

_SECONDS = 20
_CONFIGURATION = """\
[databases]
* = host={host} port={server_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = {pool_size}
logfile = {log}
{more}
"""


def program() -> str:
    """Debian has it in /usr/sbin, which is not on everybody's PATH. Skips the test where there is none."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        pytest.skip("no pgbouncer: apt-get install pgbouncer")
    return found


@contextmanager
def pgbouncer(server_url: str, directory: Path, more: str = "", pool_size: int = 4) -> Iterator[str]:
    """The URL of the same database through it; `more` are further lines of its configuration.

    Few sessions for many clients: a client's next transaction seldom has the session of the one before.
    """
    command = program()  # before anything is taken
    server, ports = make_url(server_url), Ports.free()
    port = ports["pgbouncer"]
    users = directory / "users.txt"
    owner = server.render_as_string(hide_password=False)
    known = [server, *(make_url(as_role(owner, role)) for role in (API_ROLE, WORKER_ROLE))]
    users.write_text("".join(f'"{user.username}" "{user.password}"\n' for user in known))
    configuration, log = directory / "pgbouncer.ini", directory / "pgbouncer.log"
    configuration.write_text(
        _CONFIGURATION.format(
            host=server.host,
            server_port=server.port,
            port=port,
            users=users,
            log=log,
            more=more,
            pool_size=pool_size,
        )
    )
    process = subprocess.Popen(
        [*unprivileged(), command, "-q", str(configuration)], stderr=subprocess.DEVNULL
    )
    try:
        url = server.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        _wait_until_it_serves(url, process, log)
        yield url
    finally:
        process.terminate()
        process.wait(_SECONDS)
        ports.release()


def _wait_until_it_serves(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PgBouncer does not serve: {log.read_text() if log.exists() else 'no log'}")
            time.sleep(0.05)
        else:
            return
