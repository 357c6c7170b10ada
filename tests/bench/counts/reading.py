"""All counts of a stack at one time, and what N reports have added to them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench import processes
from tests.bench.counts import broker, database
from tests.bench.rig import API, PARTS, WORKER, Rig

TOPICS = ("report", "report-status", "report-dead-letter")
Counts = Mapping[str, float]


@dataclass(frozen=True)
class Reading:
    """`at` is the monotonic clock's."""

    at: float
    counts: Counts


def take(rig: Rig) -> Reading:
    """Now. Times are in milliseconds."""
    messages = broker.read(rig.stack.endpoints.kafka_bootstrap, TOPICS)
    counts = {
        **_processor(rig),
        **database.read(rig.statistics_url),
        "messages": sum(messages.values()),
        **{f"messages_{topic}": number for topic, number in messages.items()},
        "kafka_bytes": float(rig.kafka_bytes),
    }
    return Reading(time.monotonic(), counts)


def _processor(rig: Rig) -> dict[str, float]:
    """By part; the worker's main process apart from its slots, whose template is among them."""
    running = processes.running()

    def seconds(name: str) -> float:
        return sum(one.seconds for one in processes.below(rig.stack.pid(name), running))

    worker = processes.below(rig.stack.pid(WORKER), running)
    slots = sum(one.seconds for one in worker[1:]) + worker[0].reaped_seconds
    found = {name: seconds(name) for name in (API, *PARTS)}
    found |= {"worker": worker[0].own_seconds, "slots": slots}
    return {"cpu_ms": 1000 * sum(found.values())} | {f"cpu_ms_{name}": 1000 * s for name, s in found.items()}


@dataclass(frozen=True)
class Window:
    """What happened between readings. `ended` is of when the last report had ended, `settled` of when what
    PostgreSQL reports late was there too."""

    began: Reading
    ended: Reading
    settled: Reading

    def added(self, name: str) -> tuple[float, float]:
        """By how much the count has grown, and in how many seconds."""
        last = self.settled if name in database.SETTLING else self.ended
        return last.counts[name] - self.began.counts[name], last.at - self.began.at


def idle_rates(window: Window) -> Counts:
    """How much each count grows in a second in which nothing is requested."""
    rates = {}
    for name in window.began.counts:
        growth, seconds = window.added(name)
        rates[name] = growth / seconds
    return rates


def per_report(window: Window, idle: Counts, reports: int) -> Counts:
    """What each of the reports has added, without what the same time costs anyway."""
    found = {}
    for name in window.began.counts:
        growth, seconds = window.added(name)
        found[name] = (growth - idle[name] * seconds) / reports
    return found


def each_further(few: Counts, many: Counts, more: int) -> Counts:
    """What each of `more` steps adds, from reports with few steps and reports with `more` than those."""
    return {name: (many[name] - few[name]) / more for name in few}
