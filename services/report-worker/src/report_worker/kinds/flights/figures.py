"""What the report says, as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

Key = TypeVar("Key")


@dataclass(frozen=True)
class Punctuality:
    """How punctual some flights were: counts, and departure delays in minutes.

    On time is less than 15 minutes late, very late an hour or more. The delays are of the flights that
    departed, and None when none did.
    """

    flights: int
    on_time: int
    late: int
    very_late: int
    cancelled: int
    mean: float | None
    lower_quartile: float | None
    median: float | None
    upper_quartile: float | None
    longest: int | None

    @property
    def departed(self) -> int:
        return self.flights - self.cancelled

    # Shares are of all scheduled flights, the cancelled ones too, so that they add up to one.

    @property
    def on_time_share(self) -> float:
        return self.on_time / self.flights

    @property
    def late_share(self) -> float:
        return self.late / self.flights

    @property
    def very_late_share(self) -> float:
        return self.very_late / self.flights

    @property
    def cancelled_share(self) -> float:
        return self.cancelled / self.flights

    @property
    def disrupted(self) -> int:
        """Cancelled or very late."""
        return self.very_late + self.cancelled

    @property
    def disrupted_share(self) -> float:
        return self.disrupted / self.flights


@dataclass(frozen=True)
class Group(Generic[Key]):
    """Flights that have something in common, such as their carrier."""

    key: Key
    name: str
    punctuality: Punctuality


@dataclass(frozen=True)
class Figures:
    """All of the report's numbers; `by_carrier` covers all carriers, the rest only the selected flights.

    A route, carrier or hour with less than `fewest` flights is not ranked.
    """

    total: Punctuality
    by_airport: Sequence[Group[str]]
    by_day: Sequence[Group[date]]
    by_carrier: Sequence[Group[str]]
    by_hour: Sequence[Group[int]]
    worst_routes: Sequence[Group[str]]
    by_weather: Sequence[Group[str]]
    without_weather: int
    fewest: int

    @property
    def worst_day(self) -> Group[date] | None:
        """With the largest share of disrupted flights, the earliest of equals; None when none stands out."""
        if len(self.by_day) == 1 or not self.total.disrupted:
            return None
        return max(self.by_day, key=lambda day: day.punctuality.disrupted_share)
