"""Policies: made from settings at the edge, passed inwards, never changed."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random


@dataclass(frozen=True)
class LeasePolicy:
    """For how long a worker owns an attempt without a word, and how often it says one."""

    time_to_live: timedelta = timedelta(seconds=30)
    heartbeat: timedelta = timedelta(seconds=5)


@dataclass(frozen=True)
class RetryPolicy:
    """How long a report waits before its next attempt: twice as long after each failure, at random from
    half of that to all of it, so that reports which failed together do not return together."""

    first: timedelta = timedelta(seconds=2)
    factor: float = 2.0
    longest: timedelta = timedelta(minutes=10)
    most_losses: int = 10
    """After so many workers have died with a report in hand, it is taken for the cause."""

    def delay(self, failures: int, random: Random) -> timedelta:
        """`failures` counts from 1."""
        exponent = min(failures - 1, 64)
        whole = min(self.first.total_seconds() * self.factor**exponent, self.longest.total_seconds())
        return timedelta(seconds=whole * random.uniform(0.5, 1.0))


@dataclass(frozen=True)
class RetentionPolicy:
    """For how long things are kept after they have ended."""

    reports: timedelta = timedelta(days=30)
    dead_letters: timedelta = timedelta(days=30)
    idempotency_keys: timedelta = timedelta(hours=24)
    batch: int = 100
