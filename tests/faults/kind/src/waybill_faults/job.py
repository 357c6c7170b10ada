"""Produces an `effect` report."""

import os
import signal
import time
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import stamina

from waybill.errors import PermanentError, RetryableError
from waybill.kinds import Artefact, Work

from . import EffectParameters, Mode, step_names

DATABASE = "FAULTS_DATABASE_URL"
"""Where the table `effects` is: not through what disturbs Waybill's own connections, nor by Waybill's own
variables, which no job sees."""

# The key is the client's: after a commit that may have come through, the same effect is written again.
_BEGIN = """
INSERT INTO effects (key, report_id, attempt, worker) VALUES (%s, %s, %s, %s) ON CONFLICT (key) DO NOTHING
"""
_END = "UPDATE effects SET finished_at = clock_timestamp() WHERE key = %s"
_DATABASE_AWAY_SECONDS = 30


def produce(parameters: EffectParameters, work: Work) -> Artefact:
    """Begins its effect, works, fails if it is told to, and ends its effect."""
    effect = begin_effect(work)
    for name in step_names(parameters):
        with work.step(name):
            time.sleep(parameters.step_ms / 1000)
    if work.attempt <= parameters.failures:
        _fail(parameters.mode)
    end_effect(effect)
    file = work.directory / "effect.txt"
    line = f"{work.report_id} {work.attempt}\n"
    file.write_text(line + "." * max(0, parameters.payload_bytes - len(line)), encoding="utf-8")
    return Artefact(path=file, media_type="text/plain; charset=utf-8", filename=file.name)


def begin_effect(work: Work) -> UUID:
    """Writes down that the attempt has begun; the effect's key."""
    effect = uuid4()
    _write(_BEGIN, effect, work.report_id, work.attempt, _worker())
    return effect


def end_effect(effect: UUID) -> None:
    """And that its work is done."""
    _write(_END, effect)


def _worker() -> int:
    """The pid of the report-worker: the parent of the template, which is the parent of this process."""
    template = Path(f"/proc/{os.getppid()}/stat").read_text()
    return int(template.rpartition(")")[2].split()[1])


def _fail(mode: Mode) -> None:
    match mode:
        case Mode.RETRYABLE:
            raise RetryableError("Told to fail; the next attempt may not.")
        case Mode.PERMANENT:
            raise PermanentError("Told to fail for good.")
        case Mode.CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        case Mode.HANG:
            time.sleep(24 * 60 * 60)
        case Mode.KILL_WORKER:
            os.kill(_worker(), signal.SIGKILL)
            time.sleep(60)  # the worker's end is this process's end


def _write(statement: str, *values: UUID | int) -> None:
    """Waits for a database that restarts: the effect is a record of the run, not a part that is tested."""
    for retry in stamina.retry_context(
        on=psycopg.OperationalError, attempts=None, timeout=_DATABASE_AWAY_SECONDS, wait_max=0.5
    ):
        with retry, psycopg.connect(os.environ[DATABASE], connect_timeout=5) as connection:
            connection.execute(statement, values)
