"""Kafka is away, slow, deaf, or has lost its data."""

import signal
import time
from collections.abc import Callable, Mapping

from tests.faults import recording
from tests.faults.rig import API
from tests.faults.run import Run

_SLOW_SECONDS = 8.0
_HALF_OPEN_SECONDS = 8.0
_LATENCY_MS = 50.0
_ENQUEUE_AGAIN_SECONDS = 4.0
_JOB = {"steps": 2, "step_ms": 50}
_LONG_JOB = {"steps": 2, "step_ms": 300}
"""So that commands wait in Kafka."""
_WAITING = """
SELECT count(*) FROM reports r
WHERE parameters->>'fault' = %s AND status = 'init' AND created_at > to_timestamp(%s)
AND NOT EXISTS (SELECT FROM publications p WHERE p.report_id = r.id AND p.command)
"""
_ENOUGH_WAIT = 6


def down(run: Run) -> None:
    """Stopped for a while, during which requests are accepted all the same."""

    def outage() -> None:
        run.rig.stack.stop_part("kafka")
        run.inject()
        run.wait(run.scale.kafka_down_seconds)
        run.rig.stack.start_part("kafka")

    _outages(run, outage, most_open=10_000, pause=1.0)


def restart(run: Run) -> None:
    """Stopped and started with its data."""

    def outage() -> None:
        run.inject()
        run.rig.stack.restart("kafka")

    _outages(run, outage)


def slow(run: Run) -> None:
    """50 ms later, each way."""

    proxy = run.rig.proxies.kafka

    def outage() -> None:
        run.expect_growth(lambda: proxy.delayed, lambda: proxy.delay(_LATENCY_MS), "nothing was delayed")
        run.inject()
        run.wait(_SLOW_SECONDS)
        proxy.pass_on()

    _outages(run, outage)


def half_open(run: Run) -> None:
    """Connections stand, and nothing comes back on them."""

    proxy = run.rig.proxies.kafka

    def outage() -> None:
        run.expect_growth(lambda: proxy.swallowed, proxy.half_open, "nothing was swallowed")
        run.inject()
        run.wait(_HALF_OPEN_SECONDS)
        proxy.pass_on()

    _outages(run, outage)


def data_lost(run: Run) -> None:
    """Every topic is gone with all its messages, the commands of waiting reports among them."""
    again = {"WAYBILL_REQUEUE_AFTER_SECONDS": str(_ENQUEUE_AGAIN_SECONDS)}
    run.rig.reconfigure(API, *run.rig.workers, **again)

    def waiting() -> int:
        """Reports whose commands are in Kafka, or one in each worker's hand; none that was lost before."""
        return int(run.rig.rows(_WAITING, run.name, run.topic_lost_at or 0.0)[0]["count"])

    def outage() -> None:
        run.expect(lambda: waiting() >= _ENOUGH_WAIT, run.scale.ends_within, "no commands wait in Kafka")
        run.rig.stack.kill("kafka", signal.SIGKILL)  # at once: stopped in peace, it would go on serving
        run.rig.stack.wait_exit("kafka")
        lost_at = time.time()
        if waiting() <= len(run.rig.workers):
            raise RuntimeError("no command was lost")
        run.topic_lost_at = lost_at
        run.rig.lose_kafkas_data()
        run.inject()
        run.rig.stack.start_part("kafka")
        run.rig.make_topics()

    _outages(run, outage, job=_LONG_JOB)


def _outages(
    run: Run,
    outage: Callable[[], None],
    *,
    pause: float = 0.1,
    most_open: int = 12,
    job: Mapping[str, int] = _JOB,
) -> None:
    """Each under load, and measured from its end to the first report that ends."""
    run.wanted = run.scale.outages
    run.load(threads=2, pause=pause, most_open=most_open, parameters=dict(job))
    for _ in range(run.scale.outages):
        run.wait(1)
        outage()
        run.recover(recording.now(), run.scale.ends_within)
