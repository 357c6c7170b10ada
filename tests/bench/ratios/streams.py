"""From a change of a report's status to its client: beside many streams that are silent, and beside none; and
what an event costs the API where many streams are on one report.
"""

import time
from collections.abc import Sequence
from functools import partial
from statistics import median

import psycopg

from tests.bench import backlog, clients, processes
from tests.bench.errors import CannotMeasure
from tests.bench.ratios.draining import NOOP
from tests.bench.results import Ratio
from tests.bench.rig import API, WORKER, Options, Rig, started
from tests.bench.rounds import Bench
from tests.bench.streams import Event, Streams, opened, percentile

_STEP_MS = 25
_SPARE = 60
"""Threads of each API process beyond those of the streams: which process gets how many is up to chance."""
_EVENTS_OF_A_STEP = 2
_DELIVERED_STEPS = 20
_FOLLOWING_MS = 300, 40
"""So long is the first step, and so much longer for each client: until all of them follow."""
_P99 = 0.99
_PATIENCE_SECONDS = 120.0
_IDLE = """
UPDATE reports SET status = 'processing', attempt = 1, started_at = now(),
    lease_owner = 'bench/0', lease_expires_at = now() + interval '1 day'
"""
"""They look as if a worker far away runs them: nothing touches them, and their streams stay open."""


def measure(bench: Bench) -> list[Ratio]:
    number, steps = bench.scale.streams, bench.scale.changes // _EVENTS_OF_A_STEP
    threads = str(-(-8 * (number + _SPARE) // 7))
    options = Options.make(
        api={"WAYBILL_HTTP_THREADS": threads, "WAYBILL_STREAM_MAX_SECONDS": "3600"},
    )
    with started(bench.directory / "stack", bench.say, options) as rig:
        idle = _silent_reports(rig, number)
        rig.start_worker(WORKER, {})
        _p99(rig, [], 4)  # the first report of a worker takes longer
        beside = {f"beside {number} idle streams": idle, "alone": []}
        sides = {name: partial(_p99, rig, others, steps) for name, others in beside.items()}
        rounds = bench.interleave(sides)
        deliveries = [_delivery_ms(rig, number) for _ in range(bench.scale.rounds)]
    many, alone = beside
    cost = {f"{number} streams on one report": median(deliveries)}
    return [
        bench.ratio("streams_idle", rounds, many, alone, "ms"),
        bench.figure("streams_delivery_ms", deliveries, cost, "ms"),
    ]


def _silent_reports(rig: Rig, number: int) -> list[str]:
    """Ids of reports of which nothing is heard. The worker does not run afterwards."""
    backlog.stop(rig, WORKER)
    clients.request(rig.api_url, NOOP, 1)
    with psycopg.connect(rig.database_url) as connection:
        backlog.copy_last(connection, number - 1, messages=False)
    rig.run(_IDLE)
    return [str(row[0]) for row in rig.rows("SELECT id FROM reports")]


def _p99(rig: Rig, others: Sequence[str], steps: int) -> float:
    """Milliseconds from the database's time of a change until its client has read it."""
    with opened(rig.api_url) as streams:
        streams.open(others)
        (events,) = _follow(rig, streams, steps, 1)
    return 1000 * percentile([event.received - event.changed for event in events], _P99)


def _delivery_ms(rig: Rig, followers: int) -> float:
    """Processor time of the API for each event that it has delivered."""
    with opened(rig.api_url) as streams:
        before = _api_seconds(rig)
        delivered = sum(len(events) for events in _follow(rig, streams, _DELIVERED_STEPS, followers))
        return 1000 * (_api_seconds(rig) - before) / delivered


def _follow(rig: Rig, streams: Streams, steps: int, followers: int) -> list[list[Event]]:
    """What all clients have received of a new report: what has changed since the last of them follows it."""
    client = clients.Client(rig.api_url)
    first, each = _FOLLOWING_MS
    parameters = {"steps": 1 + steps, "step_ms": _STEP_MS, "first_ms": first + each * followers}
    body = {"kind": "noop", "parameters": parameters}
    report_id = client.post(clients.REPORTS, body)["id"]
    client.close()
    before = len(streams.events)
    streams.open([report_id] * followers)
    since = time.time()
    streams.wait_until_ended(followers, _PATIENCE_SECONDS)
    found = [[event for event in events if event.changed > since] for events in streams.events[before:]]
    if not all(found):
        raise CannotMeasure("a report had ended before all clients followed it")
    return found


def _api_seconds(rig: Rig) -> float:
    below = processes.below(rig.stack.pid(API), processes.running())
    return sum(process.seconds for process in below)
