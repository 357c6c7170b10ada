"""Policies: made from settings at the edge, passed inwards, never changed."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random


@dataclass(frozen=True)
class LeasePolicy:
    """How long an attempt stays its worker's without a heartbeat, and the time between two heartbeats."""

    time_to_live: timedelta = timedelta(seconds=30)
    heartbeat: timedelta = timedelta(seconds=5)

    def silence(self, left: timedelta) -> timedelta | None:
        """How long there has been no sign of the worker of an attempt whose lease lasts as long as `left`, or
        ran out before; None where that is no longer than it may be: two heartbeats, or a third of the
        lease."""
        silent = self.time_to_live - left
        return silent if silent > max(2 * self.heartbeat, self.time_to_live / 3) else None


@dataclass(frozen=True)
class RetryPolicy:
    """How long a report waits before its next attempt: twice as long after each failure, at random from
    half of that to all of it, so that reports which failed together do not return together."""

    initial_delay: timedelta = timedelta(seconds=2)
    factor: float = 2.0
    max_delay: timedelta = timedelta(minutes=10)
    max_losses: int = 10
    """A report with which this many workers were lost is taken for the cause, and fails."""

    def delay(self, failures: int, random: Random) -> timedelta:
        """`failures` counts from 1."""
        exponent = min(failures - 1, 64)
        whole = min(
            self.initial_delay.total_seconds() * self.factor**exponent, self.max_delay.total_seconds()
        )
        return timedelta(seconds=whole * random.uniform(0.5, 1.0))


@dataclass(frozen=True)
class EvidencePolicy:
    """How many bytes of messages that could not be read are stored: of one, and of all together, beside which
    each process may store another sixteenth for a moment."""

    max_bytes: int = 64 * 1024
    max_total_bytes: int = 256 * 1024 * 1024

    @property
    def trim_after_bytes(self) -> int:
        """How much a process stores before it looks at the total."""
        return self.max_total_bytes // 16


@dataclass(frozen=True)
class RetentionPolicy:
    """How long things are kept after they have ended; `batch` rows are removed in one transaction."""

    reports: timedelta = timedelta(days=30)
    dead_letters: timedelta = timedelta(days=30)
    idempotency_keys: timedelta = timedelta(hours=24)
    audit: timedelta = timedelta(days=365)
    batch: int = 100
