"""How much of each fault there is: the quick set for every change, the full one for a release."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Counts, and times in seconds."""

    name: str
    worker_kill_reports: int
    process_kills: int
    """Of the API before it publishes, and as many of a relay before it deletes."""
    pauses: int
    rolling_restarts: int
    job_failures: int
    """Of each sort."""
    stream_clients: int
    outages: int
    """Of each part, and of each sort."""
    kafka_down_seconds: float
    doubled_reports: int
    overload_reports: int
    killers: int
    """Reports that kill their worker."""
    dead_rows: int
    """That no vacuum can remove, of each table, in each of the rounds."""
    turns: int
    """Rounds in which a kind is paused and limited, and tenants too."""
    poison_messages: int
    large_messages: int
    """Of 10 MB each."""
    traces: int
    """At most so many are read after each fault."""
    resume_reports: int
    """Of ten steps, in the middle of which workers and slots are killed."""
    ends_within: float
    """After the last fault and the last request, so long until the next report ends: far above lease, session
    and time-outs, so that what takes longer is stuck."""


QUICK = Scale(
    name="quick",
    worker_kill_reports=1000,
    process_kills=50,
    pauses=5,
    rolling_restarts=5,
    job_failures=5,
    stream_clients=50,
    outages=1,
    kafka_down_seconds=20,
    doubled_reports=100,
    overload_reports=120,
    killers=2,
    dead_rows=10_000,
    turns=2,
    poison_messages=2000,
    large_messages=2,
    traces=30,
    resume_reports=60,
    ends_within=45,
)

FULL = Scale(
    name="full",
    worker_kill_reports=20_000,
    process_kills=500,
    pauses=50,
    rolling_restarts=50,
    job_failures=100,
    stream_clients=500,
    outages=10,
    kafka_down_seconds=20,
    doubled_reports=2000,
    overload_reports=5000,
    killers=10,
    dead_rows=50_000,
    turns=20,
    poison_messages=100_000,
    large_messages=10,
    traces=500,
    resume_reports=1000,
    ends_within=60,
)

SMOKE = Scale(
    name="smoke",
    worker_kill_reports=200,
    process_kills=6,
    pauses=1,
    rolling_restarts=1,
    job_failures=2,
    stream_clients=10,
    outages=1,
    kafka_down_seconds=8,
    doubled_reports=20,
    overload_reports=60,
    killers=1,
    dead_rows=2000,
    turns=1,
    poison_messages=200,
    large_messages=1,
    traces=30,
    resume_reports=20,
    ends_within=45,
)
"""Whether the harness itself works; it proves little."""

SCALES = {scale.name: scale for scale in (QUICK, FULL, SMOKE)}
