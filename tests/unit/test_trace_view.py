"""The tree reads at a glance: in colour, without colour, and at 80 columns."""

import io
import re
from itertools import pairwise

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.support.answers import TRACE_ID, dowork, jaeger, span, spine, steps
from waybill_client import read_trace
from waybill_client.cli.trace_view import TraceView, _bar


def render(spans: list[dict[str, object]], width: int = 80, missing: tuple[str, ...] = ()) -> list[str]:
    """The lines that a pipe gets."""
    trace = read_trace(jaeger(spans))
    assert trace is not None
    output = io.StringIO()
    Console(file=output, width=width).print(TraceView(trace, missing))
    return output.getvalue().splitlines()


def line_of(name: str, lines: list[str]) -> str:
    [line] = (line for line in lines if re.search(rf" (✗ )?{re.escape(name)}( |$)", line))
    return line


def bar_of(line: str) -> tuple[int, int]:
    """Where the bar begins and ends, in cells of the line."""
    found = re.search("[▏▎▍▌▋▊▉█▐▕░]+", line)
    assert found is not None
    return found.span()


def test_the_header_says_what_it_is_and_where_the_time_went() -> None:
    header = "\n".join(render(dowork())[:2])

    assert f"Trace {TRACE_ID} · 1.00 s · 15 spans" in header
    assert "producer-api, report-worker" in header
    assert "HTTP 1 %, Kafka 4 %, steps 90 %, other 6 %" in header


def test_each_span_is_one_line_with_service_tree_bar_and_duration() -> None:
    lines = render(dowork())

    assert line_of("POST /api/v1/reports", lines).startswith("producer-api  POST /api/v1/reports")
    assert re.fullmatch(
        r"report-worker         ├ doWork:0 +[▐▕]?█+[▏▎▍▌▋▊▉]? +90\.0 ms", line_of("doWork:0", lines)
    )
    assert re.fullmatch(
        r"report-worker         └ doWork:9 +[▐▕]?█+[▏▎▍▌▋▊▉]? +90\.0 ms", line_of("doWork:9", lines)
    )


def test_bars_stand_on_one_axis() -> None:
    lines = render(dowork(), width=120)
    positions = [bar_of(line_of(f"doWork:{number}", lines)) for number in range(10)]

    for (_, end), (begin, _) in pairwise(positions):
        assert abs(begin - end) <= 1


def test_the_time_in_kafka_has_its_own_line_before_the_consumer() -> None:
    lines = render(spine(queue_ms=20), width=120)
    queue = line_of("(time in Kafka)", lines)

    assert queue.startswith("Kafka")
    assert "░" in queue
    assert queue.rstrip().endswith("20.0 ms")
    assert lines.index(queue) == lines.index(line_of("report_producer", lines)) + 1
    assert lines.index(queue) == lines.index(line_of("report_consumer", lines)) - 1


def test_the_reason_stands_beside_the_failing_bar() -> None:
    line = line_of("doWork:5", render(dowork(), width=120))

    assert "├ ✗ doWork:5" in line
    assert "Something wrong!" in line
    assert line.endswith(" 90.0 ms")


def test_a_reason_without_room_has_the_next_line() -> None:
    reason = "the related service answered 503 Service Unavailable"
    lines = render([*spine(), *steps(["load"]), span("s9", "render", 200, 700, "h1", error=reason)])
    failing = lines.index(line_of("render", lines))

    assert reason not in lines[failing]
    assert lines[failing + 1].strip() == f"✗ {reason}"


def test_a_reason_on_its_own_line_leaves_the_tree_whole() -> None:
    again = span("c2", "report_consumer", 1500, 100, "a3", kind="consumer")
    lost = span("h1", "handle_report", 50, 940, "c1", error="The worker died, or was cut off past its lease.")
    lines = render([*spine()[:4], lost, again])

    assert lines[lines.index(line_of("handle_report", lines)) + 1] == (
        "                  │   ✗ The worker died, or was cut off past its lease."
    )


def test_a_time_in_kafka_below_its_precision_is_not_called_nothing() -> None:
    assert line_of("(time in Kafka)", render(spine(queue_ms=0))).endswith("<1 ms")


def test_every_line_fits() -> None:
    long = span("s9", "a step with a name that is much longer than its column", 100, 1, "h1", error="x" * 200)
    for width in (40, 80, 100, 300):
        lines = render([*dowork(), long], width)
        assert max(cell_len(line) for line in lines) <= max(width, 50)


def test_a_pipe_gets_no_colour() -> None:
    assert "\x1b" not in "\n".join(render(dowork()))


def test_a_terminal_gets_the_failing_step_in_red() -> None:
    trace = read_trace(jaeger(dowork()))
    assert trace is not None
    output = io.StringIO()
    Console(file=output, width=120, force_terminal=True, color_system="standard", no_color=False).print(
        TraceView(trace)
    )

    red = re.compile(r"\x1b\[[0-9;]*31m([^\x1b]*)")
    reddened = " ".join(match[1] for line in output.getvalue().splitlines() for match in red.finditer(line))
    assert "doWork:5" in reddened
    assert "Something wrong!" in reddened
    assert "doWork:4" not in reddened


def test_an_enclosing_failure_is_marked_without_repeating_the_reason() -> None:
    spans = dowork()
    spans[4] = span("h1", "handle_report", 50, 940, "c1", error="doWork:5: Something wrong!")
    lines = render(spans, width=120)

    assert "✗ handle_report" in line_of("handle_report", lines)
    assert sum("Something wrong!" in line for line in lines) == 1


def test_an_enclosing_failure_of_its_own_has_its_reason() -> None:
    spans = dowork()
    spans[4] = span("h1", "handle_report", 50, 940, "c1", error="The worker was stopped.")

    assert any("The worker was stopped." in line for line in render(spans))


def test_orphans_stand_apart() -> None:
    lines = render([one for one in dowork() if one["operationName"] != "handle_report"])

    assert lines.index("(parent not received)") > lines.index(line_of("report_consumer", lines))
    assert lines.index("(parent not received)") < lines.index(line_of("doWork:0", lines))


def test_a_child_before_its_parent_breaks_nothing() -> None:
    early = span("c1", "report_consumer", -500, 100, "a3", kind="consumer", report__queue_time_ms=900)
    lines = render([*spine()[:3], early])

    assert bar_of(line_of("report_consumer", lines))[0] < bar_of(line_of("report_producer", lines))[0]
    assert line_of("(time in Kafka)", lines).endswith("900 ms")


def test_a_retry_shows_both_attempts() -> None:
    again = span("c2", "report_consumer", 1500, 100, "a3", kind="consumer", report__queue_time_ms=300)
    lines = render([*dowork(), again])
    tree = [
        match[0] for line in lines if (match := re.search(r"[├└] (\(time in Kafka\)|report_consumer)", line))
    ]

    assert tree == ["├ (time in Kafka)", "├ report_consumer", "├ (time in Kafka)", "└ report_consumer"]
    assert line_of("doWork:0", lines).startswith("report-worker     │   ├ doWork:0")


def test_what_is_missing_is_said() -> None:
    assert "Not complete: nothing of report-worker." in render(spine(), missing=("nothing of report-worker",))


def test_a_trace_of_one_moment_is_drawn() -> None:
    [line] = (line for line in render([span("x", "only", 0, 0)]) if "only" in line)

    assert line.rstrip().endswith("0 µs")


@pytest.mark.parametrize(
    ("begin", "end", "bar"),
    [
        (0, 4, "████"),
        (0, 0.5, "▌   "),
        (0, 1.25, "█▎  "),
        (0.5, 2, "▐█  "),
        (0.875, 2, "▕█  "),
        (0.125, 2, "██  "),
        (1.1, 1.2, " ▏  "),
        (1.9, 1.95, " ▕  "),
        (4, 4, "   ▕"),
        (0, 0, "▏   "),
    ],
)
def test_a_bar_is_precise_to_an_eighth(begin: float, end: float, bar: str) -> None:
    assert _bar(begin, end, 4) == bar


@pytest.mark.parametrize("width", [80, 160])
def test_a_step_that_did_not_run_says_where_its_result_is_from(width: int) -> None:
    done, again = steps(["load", "render"])
    again["tags"] += [
        {"key": "report.step.reused", "type": "bool", "value": True},
        {"key": "report.step.reused_from_attempt", "type": "int64", "value": 1},
    ]

    lines = render([*spine(), done, again], width)

    assert "reused from attempt 1" in line_of("render", lines)
    assert "✗" not in "".join(lines)
    assert "".join(lines).count("reused") == 1
