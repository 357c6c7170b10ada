"""What no count may exceed: the one table. `make bench BENCH=quick` fails where one does.

The bounds stand a little above what was measured last, those of processor time farther, since a busy machine
changes it. On a machine that needs more processor time for the same work they are as much higher: see
`slowness`. Lower them when a report becomes cheaper.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

REFERENCE = "reference_cpu_ms"
"""The count of `counts.reference`."""
_REFERENCE_MS = 45.0
"""An estimate of what it was when the bounds were set: a slot's start took 12 ms then, and 25 ms on the same
machine on a day on which the reference took 95 ms."""


@dataclass(frozen=True)
class Bound:
    """`must` and `goal` are what the project wants to reach, where it has said so; `before` is what was
    measured before there was this benchmark. What `needs_root` is not counted without. `of_processor`: of its
    time, which depends on the machine."""

    most: float
    what: str
    unit: str = ""
    must: float | None = None
    goal: float | None = None
    before: float | None = None
    needs_root: bool = False
    of_processor: bool = False

    def here(self, counts: Mapping[str, float]) -> float:
        """The bound on the machine on which these counts were taken."""
        return self.most * slowness(counts) if self.of_processor else self.most


def slowness(counts: Mapping[str, float]) -> float:
    """How many times as much processor time the machine needs for the same work, but at least 1."""
    return max(1.0, counts.get(REFERENCE, _REFERENCE_MS) / _REFERENCE_MS)


BOUNDS: Mapping[str, Bound] = {
    "write_transactions_alone": Bound(6, "transactions that write, one report alone", must=4, goal=3),
    "write_transactions_load": Bound(2.5, "… under load", must=1, goal=0.3, before=8.1),
    "write_transactions_step_alone": Bound(1, "… for each further step, alone"),
    "write_transactions_step_load": Bound(1, "… for each further step, under load"),
    "transactions_alone": Bound(7, "all transactions, one report alone"),
    "transactions_load": Bound(3, "… under load"),
    "statements_alone": Bound(19, "statements, one report alone", must=10, goal=6),
    "statements_load": Bound(9, "… under load", must=10, goal=6, before=35),
    "statements_step_alone": Bound(3, "… for each further step, alone"),
    "statements_step_load": Bound(3, "… for each further step, under load"),
    "statements_idle_second": Bound(15, "… in a second without any report"),
    "fsyncs_alone": Bound(6.5, "fsyncs, one report alone"),
    "fsyncs_load": Bound(2.5, "… under load", before=7.4),
    "wal_bytes_alone": Bound(7500, "WAL, one report alone", "B", must=6000, goal=4000),
    "wal_bytes_load": Bound(9000, "… under load", "B", must=6000, goal=4000, before=13_500),
    "wal_bytes_step_load": Bound(1300, "… for each further step, under load", "B"),
    "messages_alone": Bound(6.3, "messages to Kafka, one report alone"),
    "messages_load": Bound(6.6, "… under load", before=6),
    "messages_step_load": Bound(2.3, "… for each further step, under load"),
    "kafka_bytes_load": Bound(
        3500, "bytes from Kafka to the worker, under load", "B", must=3000, before=479_000
    ),
    "cpu_ms_alone": Bound(60, "processor time of all processes, one report alone", "ms", of_processor=True),
    "cpu_ms_load": Bound(24, "… under load", "ms", must=8, goal=5, before=43, of_processor=True),
    "cpu_ms_step_load": Bound(
        3, "… for each further step, under load", "ms", must=1.5, goal=1, before=13, of_processor=True
    ),
    "api_private_mib": Bound(
        130, "memory of the API with two processes", "MiB", must=140, before=187, needs_root=True
    ),
    "worker_private_mib": Bound(
        160, "memory of the worker with two slots", "MiB", must=140, before=205, needs_root=True
    ),
    "slot_private_mib": Bound(17, "memory of each further slot", "MiB", must=15, before=48, needs_root=True),
    "slot_start_cpu_ms": Bound(
        20, "processor time of a slot's start", "ms", must=50, before=600, of_processor=True
    ),
}


def exceeded(counts: Mapping[str, float]) -> Iterator[str]:
    """A sentence for each count that is above its bound, or is missing."""
    for name, bound in BOUNDS.items():
        if name not in counts:
            if bound.needs_root and os.geteuid() != 0:
                continue
            yield f"{name}: it was not counted."
        elif counts[name] > bound.here(counts):
            yield (
                f"{name}: {shown(counts[name])} {bound.unit}".rstrip()
                + f" is above its bound of {shown(bound.here(counts))}: {bound.what}. Make a report cheaper"
                " again, or, if what it buys is worth it, raise the bound in tests/bench/counts/bounds.py."
            )


def shown(value: float) -> str:
    """With as many digits as mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
