"""A trace's picture says what the terminal says, and needs nothing from elsewhere."""

import html
import re
import xml.etree.ElementTree as ET

from tests.support.answers import TRACE_ID, dowork, jaeger
from waybill_client import read_trace
from waybill_client.cli.trace_picture import trace_svg
from waybill_client.cli.trace_view import TraceView


def picture() -> str:
    trace = read_trace(jaeger(dowork()))
    assert trace is not None
    return trace_svg(TraceView(trace, ()), "a title")


def test_it_shows_every_span_and_the_time_in_kafka() -> None:
    drawing = ET.fromstring(picture())  # noqa: S314 - ours
    text = html.unescape("".join(drawing.itertext())).replace("\xa0", " ")

    for name in (
        "report_producer",
        "(time in Kafka)",
        *(f"doWork:{number}" for number in range(10)),
        TRACE_ID,
    ):
        assert name in text


def test_it_loads_nothing() -> None:
    addresses = set(re.findall(r"https?://[^\"')\s]+", picture()))

    assert addresses <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
    assert "@font-face" not in picture()
    assert "url(" not in re.sub(r"url\(#[^)]*\)", "", picture())
