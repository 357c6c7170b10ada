"""The workers that are there now, and the kinds that they offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from waybill.store.statements.dispatch import LIVE


@dataclass(frozen=True)
class LiveWorkers:
    """How many there are, their slots, and how many of them read from Kafka. `offered`: each kind that is
    installed in some of them, and in how many; `unknown`: of how many that is not known."""

    number: int
    reading: int
    slots: int = 0
    offered: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0

    def offering(self, kind: str, *, is_defined: bool) -> int | None:
        """How many of them can produce reports of the kind; None while that is not known of some. A report
        that `is_defined` has the text of its definition: any worker can."""
        if self.unknown:
            return None
        return self.number if is_defined else self.offered.get(kind, 0)


# Those of one version have the same kinds: there are few different lists of them.
_LIVE_WORKERS = text(
    "SELECT kinds, count(*) AS number, count(*) FILTER (WHERE partitions > 0) AS reading,"  # noqa: S608
    f" sum(slots) AS slots FROM {LIVE} GROUP BY kinds"
)


def live_workers(connection: Connection) -> LiveWorkers:
    groups = connection.execute(_LIVE_WORKERS).all()
    offered: dict[str, int] = {}
    for group in groups:
        for kind in group.kinds or ():
            offered[kind] = offered.get(kind, 0) + group.number
    return LiveWorkers(
        sum(group.number for group in groups),
        sum(group.reading for group in groups),
        sum(group.slots for group in groups),
        offered,
        sum(group.number for group in groups if group.kinds is None),
    )
