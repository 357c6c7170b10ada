"""Kafka is away, slow, deaf, or has lost its data."""

import time
from collections.abc import Callable

from tests.faults import recording
from tests.faults.rig import API
from tests.faults.run import Run

_SLOW_SECONDS = 8.0
_HALF_OPEN_SECONDS = 8.0
_LATENCY_MS = 50.0
_ENQUEUE_AGAIN_SECONDS = 4.0
_JOB = {"steps": 2, "step_ms": 50}


def down(run: Run) -> None:
    """Stopped for a while, during which requests are accepted all the same."""

    def outage() -> None:
        run.rig.stack.stop_part("kafka")
        run.inject()
        run.wait(run.scale.kafka_down_seconds)
        run.rig.stack.start_part("kafka")

    _outages(run, outage, most_open=10_000, pause=0.5)


def restart(run: Run) -> None:
    """Stopped and started with its data."""

    def outage() -> None:
        run.inject()
        run.rig.stack.restart("kafka")

    _outages(run, outage)


def slow(run: Run) -> None:
    """50 ms later, each way."""

    def outage() -> None:
        run.rig.proxies.kafka.delay(_LATENCY_MS)
        run.inject()
        run.wait(_SLOW_SECONDS)
        run.rig.proxies.kafka.pass_on()

    _outages(run, outage)


def half_open(run: Run) -> None:
    """Connections stand, and nothing comes back on them."""

    def outage() -> None:
        run.rig.proxies.kafka.half_open()
        run.inject()
        run.wait(_HALF_OPEN_SECONDS)
        run.rig.proxies.kafka.pass_on()

    _outages(run, outage)


def data_lost(run: Run) -> None:
    """Every topic is gone with all its messages, the commands of waiting reports among them."""
    again = {"WAYBILL_ENQUEUE_AGAIN_SECONDS": str(_ENQUEUE_AGAIN_SECONDS)}
    run.rig.reconfigure(API, *run.rig.workers, **again)

    def outage() -> None:
        run.rig.stack.stop_part("kafka")
        run.topic_lost_at = time.time()
        run.rig.lose_kafkas_data()
        run.inject()
        run.rig.stack.start_part("kafka")
        run.rig.make_topics()

    _outages(run, outage)


def _outages(run: Run, outage: Callable[[], None], pause: float = 0.1, most_open: int = 12) -> None:
    """Each under load, and measured from its end to the first report that ends."""
    run.wanted = run.scale.outages
    run.load(threads=2, pause=pause, most_open=most_open, parameters=_JOB)
    for _ in range(run.scale.outages):
        run.wait(1)
        outage()
        run.recover(recording.now(), run.scale.ends_within)
