"""Produces a `flights` report: one HTML page with its tables and charts inside."""

from report_worker.kinds.flights import charts as drawing
from report_worker.kinds.flights.data import unpack_data_set
from report_worker.kinds.flights.database import Flights
from report_worker.kinds.flights.figures import Figures
from report_worker.kinds.flights.page import Subject, render
from waybill.kinds import Artefact, Work
from waybill.kinds.flights import FlightsParameters


def produce(parameters: FlightsParameters, work: Work) -> Artefact:
    """Equal parameters give an equal page, byte by byte.

    Raises `PermanentError` when the parameters select no flight.
    """
    with Flights(work.directory) as flights:
        with work.step("load flights"):
            flights.load(unpack_data_set(work.directory), parameters)
        subject = name_subject(parameters, flights)
        figures = compute(parameters, flights, work)
    with work.step("charts"):
        charts = draw(figures, parameters)
    with work.step("render"):
        page = work.directory / "flights.html"
        page.write_text(render(subject, figures, charts), encoding="utf-8")
    return Artefact(path=page, media_type="text/html; charset=utf-8", filename=page.name)


def name_subject(parameters: FlightsParameters, flights: Flights) -> Subject:
    """Looks up what the chosen carrier and airport are called."""
    carrier, airport = parameters.carrier, parameters.airport
    return Subject(
        parameters=parameters,
        carrier=f"{flights.carrier_name(carrier)} ({carrier})" if carrier else None,
        airport=f"{flights.airport_name(airport)} ({airport})" if airport else None,
    )


def compute(parameters: FlightsParameters, flights: Flights, work: Work) -> Figures:
    """Runs the queries, each subject a step of its own."""
    fewest = max(5, parameters.period.days // 7)
    with work.step("key figures"):
        total, by_airport, by_day = flights.total(), flights.by_airport(), flights.by_day()
    with work.step("delays by carrier"):
        by_carrier = flights.by_carrier()
    with work.step("delays by hour"):
        by_hour = flights.by_hour()
    with work.step("worst routes"):
        worst_routes = flights.worst_routes(fewest)
    with work.step("weather against delay"):
        by_weather, without_weather = flights.by_weather(), flights.without_weather()
    return Figures(
        total=total,
        by_airport=by_airport,
        by_day=by_day,
        by_carrier=by_carrier,
        by_hour=by_hour,
        worst_routes=worst_routes,
        by_weather=by_weather,
        without_weather=without_weather,
        fewest=fewest,
    )


def draw(figures: Figures, parameters: FlightsParameters) -> dict[str, str]:
    """The charts that the figures have enough points for."""
    drawn = {}
    if len(figures.by_day) > 1:
        drawn["days"] = drawing.draw_days(figures.by_day, figures.worst_day, parameters.period)
    departed = [hour for hour in figures.by_hour if hour.punctuality.departed]
    if len(departed) > 1:
        drawn["hours"] = drawing.draw_hours(departed)
    if figures.total.departed and figures.by_weather:
        drawn["weather"] = drawing.draw_weather(figures.by_weather)
    return drawn
