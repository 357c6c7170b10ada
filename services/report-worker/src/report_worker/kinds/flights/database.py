"""The data set in DuckDB, and the figures that are computed from it."""

from datetime import date
from pathlib import Path
from typing import Any, Self

import duckdb

from report_worker.kinds.flights import queries
from report_worker.kinds.flights.data import DataSet
from report_worker.kinds.flights.figures import Group, Punctuality
from report_worker.kinds.flights.words import period_in_words
from waybill.errors import PermanentError
from waybill.kinds.flights import FlightsParameters


class Flights:
    """The selected flights, in a database in memory; a context manager that closes it.

    Two threads and 256 MiB are enough for the whole year, and leave the rest to the other slots.
    What does not fit goes to `scratch`.
    """

    def __init__(self, scratch: Path) -> None:
        self._database = duckdb.connect(
            config={
                "threads": 2,
                "memory_limit": "256MiB",
                "temp_directory": str(scratch),
                "autoinstall_known_extensions": False,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def load(self, data: DataSet, parameters: FlightsParameters) -> None:
        """Reads the files; raises `PermanentError` when the parameters select no flight."""
        self._run(queries.LOAD_AIRLINES, path=str(data.airlines))
        self._run(queries.LOAD_AIRPORTS, path=str(data.airports))
        self._run(queries.LOAD_WEATHER, path=str(data.weather))
        self._run(
            queries.LOAD_FLIGHTS,
            path=str(data.flights),
            first_day=parameters.period.first,
            last_day=parameters.period.last,
            airport=parameters.airport,
        )
        self._run(queries.LOAD_SELECTED, carrier=parameters.carrier)
        self._run(queries.DEFINE_PUNCTUALITY)
        if not self.total().flights:
            raise PermanentError(self._why_none(parameters))

    def carrier_name(self, carrier: str) -> str | None:
        """None when no carrier has this code."""
        return self._name(queries.CARRIER_NAME, carrier)

    def airport_name(self, airport: str) -> str | None:
        return self._name(queries.AIRPORT_NAME, airport)

    def total(self) -> Punctuality:
        [(figures,)] = self._run(queries.TOTAL)
        return Punctuality(**figures)

    def by_airport(self) -> list[Group[str]]:
        return self._groups(queries.BY_AIRPORT)

    def by_day(self) -> list[Group[date]]:
        return self._groups(queries.BY_DAY)

    def by_carrier(self) -> list[Group[str]]:
        return self._groups(queries.BY_CARRIER)

    def by_hour(self) -> list[Group[int]]:
        return self._groups(queries.BY_HOUR)

    def worst_routes(self, fewest: int) -> list[Group[str]]:
        """At most ten, of those with at least `fewest` flights."""
        return self._groups(queries.WORST_ROUTES, fewest=fewest)

    def by_weather(self) -> list[Group[str]]:
        return self._groups(queries.BY_WEATHER)

    def without_weather(self) -> int:
        [(count,)] = self._run(queries.WITHOUT_WEATHER)
        return int(count)

    def _why_none(self, parameters: FlightsParameters) -> str:
        if parameters.carrier and self.carrier_name(parameters.carrier) is None:
            known = ", ".join(f"{carrier} ({name})" for carrier, name in self._run(queries.CARRIERS))
            return f"No carrier has the code {parameters.carrier}. The carriers are: {known}."
        return (
            f"{self.carrier_name(parameters.carrier or '')} ({parameters.carrier}) had no departures from "
            f"{parameters.airport or 'New York'} in the period chosen, {period_in_words(parameters.period)}."
        )

    def _name(self, query: str, code: str) -> str | None:
        rows = self._run(query, code=code)
        return rows[0][0] if rows else None

    def _groups(self, query: str, **parameters: Any) -> list[Group[Any]]:
        return [
            Group(key, name, Punctuality(**figures)) for key, name, figures in self._run(query, **parameters)
        ]

    def _run(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._database.execute(query, parameters).fetchall()
