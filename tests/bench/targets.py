"""The ratios: what each compares, and what it must come to. The one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Better(Enum):
    MORE = "at least"
    LESS = "at most"


@dataclass(frozen=True)
class Target:
    """`before` is what was measured before there was this benchmark; None where nothing was."""

    part: str
    what: str
    better: Better
    must: float | None = None
    goal: float | None = None
    before: float | None = None

    def wanted(self, value: float | None) -> str:
        """In words; nothing for None."""
        return "" if value is None else f"{self.better.value} {value:g}"

    def reached(self, value: float) -> bool | None:
        """None where nothing must be reached."""
        if self.must is None:
            return None
        return value >= self.must if self.better is Better.MORE else value <= self.must


TARGETS: Mapping[str, Target] = {
    "pages_list": Target(
        "pages", "time for a page, 95 of 100, against the same data as JSON: the list", Better.LESS, must=2
    ),
    "pages_report": Target("pages", "… one report", Better.LESS, must=2),
    "pages_kinds": Target("pages", "… the kinds", Better.LESS, must=2),
    "pages_letters": Target("pages", "… the dead letters", Better.LESS, must=2),
    "drain_celery": Target(
        "drain", "reports drained in a second, against Celery", Better.MORE, must=1.5, goal=3, before=0.16
    ),
    "drain_procrastinate": Target(
        "drain", "… against Procrastinate", Better.MORE, must=0.7, goal=1, before=0.08
    ),
    "drain_floor": Target("drain", "… against the floor", Better.MORE, must=0.25, goal=0.5, before=0.03),
    "drain_dramatiq": Target("drain", "… against Dramatiq", Better.MORE),
    "drain_awa": Target("drain", "… against awa", Better.MORE),
    "fair_drain": Target(
        "fair",
        "reports drained in a second, of 50 tenants with 10 owners each, against one owner's",
        Better.MORE,
        must=0.9,
    ),
    "fair_limits": Target("fair", "… with a weight, and a limit that is never reached", Better.MORE),
    "accept_bare": Target(
        "accept",
        "requests accepted in a second from 8 clients, against a bare traced Flask route with one INSERT",
        Better.MORE,
        must=0.6,
        goal=0.8,
        before=0.19,
    ),
    "first_step_procrastinate": Target(
        "start",
        "from the call to the first step, idle, p50, against Procrastinate",
        Better.LESS,
        must=1.5,
        goal=1,
        before=6,
    ),
    "tracing": Target(
        "tracing", "reports drained in a second, traced against untraced", Better.MORE, must=0.9, before=0.95
    ),
    "waiting_cpu": Target(
        "waiting",
        "processor time of a report, with many more waiting",
        Better.LESS,
        must=1.1,
        before=1.3,
    ),
    "waiting_kafka_kib": Target(
        "waiting",
        "KiB from Kafka to the worker for a report, with as many waiting",
        Better.LESS,
        must=3,
        before=479,
    ),
    "streams_idle": Target(
        "streams",
        "from a change to its client, p99, with many idle streams against none",
        Better.LESS,
        must=2,
    ),
    "streams_delivery_ms": Target(
        "streams",
        "processor time of the API for each event delivered, with many streams on one report, in ms",
        Better.LESS,
    ),
    "fibo_share": Target(
        "fibo", "share of ten reports' time, one after the other, that is their work", Better.MORE, must=0.97
    ),
    "fibo_share_queued": Target("fibo", "… all requested at once, for one slot", Better.MORE),
    "workers_2x2": Target("workers", "reports drained by two workers of 2 slots, against one", Better.MORE),
    "workers_4x4": Target("workers", "… by four workers of 4 slots, against one of 2", Better.MORE),
}
