"""PostgreSQL restarts, and its connections break."""

import re

from tests.faults import recording
from tests.faults.run import Run

_CUTS = 5
_COMMIT_SECONDS = 20.0
_TAGS = re.compile(rb"C\0\0\0.(?:(INSERT 0 |UPDATE |DELETE )[1-9]\d*|COMMIT|ROLLBACK)\0", re.DOTALL)
"""What PostgreSQL says a command has done; with a group 1 where it has changed rows, for a COMMIT to keep."""


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


def _load(run: Run) -> None:
    run.accepting = False  # a request that needs the database may be answered with 503, and is tried again
    run.load(threads=2, pause=0.1, parameters={"steps": 2, "step_ms": 50})
