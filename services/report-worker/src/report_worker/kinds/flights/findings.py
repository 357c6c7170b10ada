"""What stands out in the figures, as sentences."""

from collections.abc import Iterator

from report_worker.kinds.flights.figures import Figures
from report_worker.kinds.flights.words import flights, minutes, percent


def findings(figures: Figures, carrier: str | None) -> Iterator[str]:
    """A few sentences for the head of the page; `carrier` is the code of the chosen one."""
    yield from _worst_day(figures)
    yield from _one_carrier(figures, carrier) if carrier else _best_and_worst_carrier(figures)
    yield from _hours(figures)
    yield from _visibility(figures)


def _worst_day(figures: Figures) -> Iterator[str]:
    worst = figures.worst_day
    if worst:
        yield (
            f"The worst day was {worst.name}: of {flights(worst.punctuality.flights)}, "
            f"{percent(worst.punctuality.disrupted_share)} were cancelled or left an hour late."
        )


def _one_carrier(figures: Figures, carrier: str) -> Iterator[str]:
    codes = [group.key for group in figures.by_carrier]
    if len(codes) > 1:
        chosen = figures.by_carrier[codes.index(carrier)]
        yield (
            f"By the share of flights on time, {chosen.name} came {_ordinal(codes.index(carrier) + 1)} of "
            f"{len(codes)} carriers."
        )


def _best_and_worst_carrier(figures: Figures) -> Iterator[str]:
    ranked = [group for group in figures.by_carrier if group.punctuality.flights >= figures.fewest]
    if len(ranked) > 1:
        best, worst = ranked[0], ranked[-1]
        yield (
            f"The most punctual carrier was {best.name} ({percent(best.punctuality.on_time_share)} on time), "
            f"the least was {worst.name} ({percent(worst.punctuality.on_time_share)})."
        )


def _hours(figures: Figures) -> Iterator[str]:
    by_mean = sorted(
        (hour.punctuality.mean, hour.name)
        for hour in figures.by_hour
        if hour.punctuality.flights >= figures.fewest and hour.punctuality.mean is not None
    )
    if len(by_mean) > 1:
        (shortest, best), (longest, worst) = by_mean[0], by_mean[-1]
        yield (
            f"The mean delay was shortest in the hour from {best} ({minutes(shortest)} minutes) "
            f"and longest in the hour from {worst} ({minutes(longest)} minutes)."
        )


def _visibility(figures: Figures) -> Iterator[str]:
    bands = [
        band
        for band in figures.by_weather
        if band.key == "Visibility" and band.punctuality.flights >= figures.fewest
    ]
    if len(bands) > 1:
        poor, clear = bands[0], bands[-1]
        yield (
            f"With a visibility of {poor.name}, {percent(poor.punctuality.disrupted_share)} of flights were "
            "cancelled or left an hour late; "
            f"with {clear.name}, {percent(clear.punctuality.disrupted_share)}."
        )


def _ordinal(place: int) -> str:
    suffix = "th" if place % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{suffix}"
