"""PostgreSQL restarts, its connections break or are all held, and its tables are locked."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import psycopg

from tests.faults import recording
from tests.faults.checker import Harm, Violation
from tests.faults.rig import Rig
from tests.faults.run import Run

_CUTS = 5
_COMMIT_SECONDS = 20.0
_TAGS = re.compile(rb"C\0\0\0.(?:(INSERT 0 |UPDATE |DELETE )[1-9]\d*|COMMIT|ROLLBACK)\0", re.DOTALL)
"""What PostgreSQL says a command has done; with a group 1 where it has changed rows, for a COMMIT to keep."""

_TOO_MANY = b"C53300\0"
"""The SQLSTATE that PostgreSQL refuses a connection with when it has no more."""
_FULL_SECONDS = 5.0
_MAX_CONNECTIONS = 1000
"""Above what PostgreSQL allows."""

_LOCKED_SECONDS = 8.0
"""Longer than a request waits for a connection of its process (5 s), shorter than a transaction waits for a
lock (20 s)."""
_CLIENTS = 48
"""More than the connections of two processes of the API: 8 and 10 each."""
_HELD = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'producer-api' AND wait_event_type = 'Lock'
"""
_PROBE_SECONDS = 5.0


def restart(run: Run) -> None:
    """Stopped and started under load, with every connection lost."""
    _load(run)
    run.wanted = run.scale.outages
    for _ in range(run.scale.outages):
        run.wait(1)
        run.rig.stack.restart("postgres")
        run.inject()
        run.recover(recording.now(), run.scale.ends_within)


def cut(run: Run) -> None:
    """Every connection is reset while somebody commits a change, who then cannot know whether he has; several
    times in a row."""
    _load(run)
    database = run.rig.proxies.database
    run.wanted = run.scale.outages * _CUTS
    for _ in range(run.wanted):
        run.wait(run.random.uniform(0.5, 1.0))
        forward = run.random.random() < 0.5
        if not database.cut_at(b"COMMIT", forward=forward, seconds=_COMMIT_SECONDS, tags=_TAGS):
            raise RuntimeError("nobody commits a change")
        run.inject()
        run.recover(recording.now(), run.scale.ends_within)


def full(run: Run) -> None:
    """Every connection that PostgreSQL allows is somebody else's: the services lose theirs, and get none."""
    _load(run)
    database = run.rig.proxies.database
    database.listen_for(_TOO_MANY)
    run.wanted = run.scale.outages
    for _ in range(run.scale.outages):
        run.wait(1)
        with _all_connections(run.rig) as held:
            run.expect_growth(lambda: database.heard, database.pass_on, "nobody was refused a connection")
            run.inject()
            _hold(run, _FULL_SECONDS)
        run.notes.append(f"{held} connections held")
        run.recover(recording.now(), run.scale.ends_within)


@contextmanager
def _all_connections(rig: Rig) -> Iterator[int]:
    """Takes them, while the services are kept away until `pass_on`: how many."""
    database = rig.proxies.database
    database.refuse()
    database.cut()
    with ExitStack() as stack:
        stack.callback(database.pass_on)
        held = 0
        with suppress(psycopg.OperationalError):
            while held < _MAX_CONNECTIONS:
                stack.enter_context(rig.database())
                held += 1
        yield held


def exhausted(run: Run) -> None:
    """A lock on a table holds every connection of the API's processes: who asks them for another one waits in
    vain."""
    _load(run)
    run.wanted = run.scale.outages
    for _ in range(run.scale.outages):
        run.wait(1)
        with run.rig.database() as connection:
            # Every change needs it, and nobody of us reads it.
            connection.execute("LOCK TABLE publications IN ACCESS EXCLUSIVE MODE")
            load = run.load(most_open=10_000, threads=_CLIENTS, most=_CLIENTS, parameters=_JOB)
            _hold(run, _LOCKED_SECONDS)
            held = run.rig.rows(_HELD)[0]["count"]
        run.inject(int(load.retries > 0))
        run.notes.append(f"{held} connections of the API held, {load.retries} requests got none")
        run.recover(recording.now(), run.scale.ends_within)
        run.finish(load)


def _hold(run: Run, seconds: float) -> None:
    """For so long; the API's process has to say meanwhile that it lives."""
    deadline = time.monotonic() + seconds
    url = f"{run.rig.stack.endpoints.api_health_url}/healthz"
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=_PROBE_SECONDS, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            run.violations.append(Violation(Harm.STUCK, "probe_failed", run.name, f"/healthz: {error!r}"))
        run.wait(1)


def _load(run: Run) -> None:
    run.accepting = False  # a request that needs the database may be answered with 503, and is tried again
    run.load(threads=2, pause=0.1, parameters=_JOB)


_JOB = {"steps": 2, "step_ms": 50}
