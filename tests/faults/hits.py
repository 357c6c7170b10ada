"""What became of the attempts that a fault has struck."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tests.faults.checker import Harm, Violation
from tests.faults.history import Event
from waybill.domain import TERMINAL, Status


@dataclass(frozen=True)
class Hit:
    """An attempt that was running where a fault struck."""

    report_id: str
    attempt: int
    at: float


@dataclass(frozen=True)
class Aftermath:
    """`recoveries` are the seconds from a hit to the next attempt; `seen`, of the same hits, those until
    somebody had seen that the attempt is over, after which the report waits in Kafka."""

    recoveries: tuple[float, ...]
    seen: tuple[float, ...]
    violations: tuple[Violation, ...]

    @property
    def notes(self) -> list[str]:
        if not self.seen:
            return []
        return [f"seen after p50 {median(self.seen):.1f} s, max {max(self.seen):.1f} s"]


def follow(hits: Sequence[Hit], events: Iterable[Event]) -> Aftermath:
    """Each attempt that was hit has ended its report, or there was a next one; else the report is stuck."""
    claims: dict[tuple[str, int], float] = {}
    returns: dict[tuple[str, int], float] = {}
    ended = set()
    for event in events:
        if event.type != "status":
            continue
        attempt = event.report_id, event.attempt
        (claims if event.status == Status.PROCESSING else returns)[attempt] = event.at
        if Status(event.status) in TERMINAL:
            ended.add(attempt)
    recoveries, seen, violations = [], [], []
    for hit in hits:
        attempt = hit.report_id, hit.attempt
        if again := claims.get((hit.report_id, hit.attempt + 1)):
            recoveries.append(max(0.0, again - hit.at))
            seen.append(max(0.0, returns.get(attempt, again) - hit.at))
        elif attempt not in ended:
            detail = f"attempt {hit.attempt} was hit: it has not ended, and there is no other"
            violations.append(Violation(Harm.STUCK, "hit_forgotten", hit.report_id, detail))
    return Aftermath(tuple(recoveries), tuple(seen), tuple(violations))
