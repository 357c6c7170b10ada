"""The page: the figures put into words, tables and charts."""

from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from report_worker.kinds.flights import words
from report_worker.kinds.flights.figures import Figures
from report_worker.kinds.flights.findings import findings
from waybill.kinds.flights import FlightsParameters


@dataclass(frozen=True)
class Subject:
    """What the report is about, by name: `JetBlue Airways (B6)`; None stands for all."""

    parameters: FlightsParameters
    carrier: str | None
    airport: str | None

    @property
    def period(self) -> str:
        return words.period_in_words(self.parameters.period)

    @property
    def filter(self) -> str:
        """`JetBlue Airways (B6), from John F Kennedy Intl (JFK)`"""
        return f"{self.carrier or 'All carriers'}, from {self.airport or 'all airports'}"


def render(subject: Subject, figures: Figures, charts: Mapping[str, str]) -> str:
    """The whole page as HTML; `charts` are SVG elements by name, and those that are missing are left out."""
    environment = Environment(
        loader=PackageLoader("report_worker.kinds.flights", package_path="."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=words.number,
        percent=words.percent,
        minutes=words.minutes,
        delay=words.delay,
        flights=words.flights,
        hours=words.hours,
        day=words.day_in_words,
    )
    template = environment.get_template("page.html.jinja")
    return template.render(
        subject=subject,
        figures=figures,
        findings=list(findings(figures, subject.parameters.carrier)),
        charts={name: Markup(svg) for name, svg in charts.items()},  # noqa: S704 - drawn by us
    )
