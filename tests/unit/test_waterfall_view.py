"""What a waterfall shows of the spans that are known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from producer_api.waterfall import KnownSpans, NoSpans, SpanResource, SpanStatus, Waterfalls
from producer_api.waterfall.stored import stored_spans
from producer_api.web.waterfall_axis import axis_of
from producer_api.web.waterfall_view import Row, WaterfallView, view_of
from tests.unit.test_waterfall import EVENTS, OURS, START, WAITED, at, event
from waybill.domain import Report, Status
from waybill.messages import status_event
from waybill.store import StoredEvent

NOW = at(20)


def stored(
    name: str, start: float, end: float | None, parent: str | None = "root", **more: Any
) -> SpanResource:
    """Times in seconds."""
    return SpanResource(
        id=more.pop("id", f"{name}@{start}"),
        parent=parent,
        name=name,
        service=more.pop("service", "report-worker"),
        kind=more.pop("kind", "internal"),
        start=START + timedelta(seconds=start),
        duration_ms=None if end is None else (end - start) * 1000,
        status=SpanStatus.ERROR if more.get("error") else SpanStatus.OK,
        error=more.pop("error", None),
        attributes=more.pop("attributes", {}),
        running=end is None,
    )


def root(end: float | None) -> SpanResource:
    return stored("report", 0, end, None, id="root")


def attempt(start: float, end: float | None, number: int = 1, **more: Any) -> SpanResource:
    attributes = {"report.attempt": number, **more.pop("attributes", {})}
    return stored("handle_report", start, end, id=f"attempt {number}", attributes=attributes, **more)


def view(
    spans: Sequence[SpanResource],
    traced: Sequence[SpanResource] | NoSpans = NoSpans.NOT_SET,
    usual: Mapping[str, float] | None = None,
    zoomed: str | None = None,
) -> WaterfallView:
    return view_of(KnownSpans(spans, traced, truncated=False, usual=usual or {}), NOW, zoomed)


def every(rows: Sequence[Row]) -> list[Row]:
    return [one for row in rows for one in (row, *every(row.children))]


def titles(found: WaterfallView) -> list[str]:
    return [row.title for row in every(found.rows)]


# --- the axis


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (0.0045, ["0", "1 ms", "2 ms", "3 ms", "4 ms"]),
        (0.9, ["0", "200 ms", "400 ms", "600 ms", "800 ms"]),
        (11, ["0", "5.0 s", "10 s"]),
        (200, ["0", "1 min", "2 min", "3 min"]),
        (5 * 3600, ["0", "1 h", "2 h", "3 h", "4 h"]),
        (9 * 86_400, ["0", "2 d", "4 d", "6 d", "8 d"]),
    ],
)
def test_ticks_stand_at_round_times(seconds: float, labels: list[str]) -> None:
    axis = axis_of(seconds * 1000, grows=False)

    assert [tick.label for tick in axis.ticks] == labels
    assert axis.ticks[1].x == pytest.approx(axis.ticks[2].x - axis.ticks[1].x, abs=0.01)


def test_an_axis_of_nothing_and_one_that_grows() -> None:
    assert axis_of(0, grows=False).x(5) == 100
    growing = axis_of(1000, grows=True)
    assert growing.x(1000) == 25
    assert axis_of(100_000, grows=True).x(100_000) == pytest.approx(83.333)


# --- one attempt alone


TWICE = (
    root(None),
    stored("waiting for a slot", 0, 8),
    attempt(8, 10, error="failed"),
    stored("retry", 10, 16),
    attempt(16, None, 2),
    stored("render", 18, None, parent="attempt 2"),
)
"""Now is 20 s after its request."""


def bars(found: WaterfallView) -> dict[str, tuple[float, float]]:
    return {row.title: (row.bar.x, row.bar.width) for row in every(found.rows)}


def test_an_attempt_that_is_small_can_be_shown_alone() -> None:
    whole = view(TWICE)
    assert whole.alone is None
    assert {row.title: row.zoom for row in every(whole.rows) if row.zoom} == {
        "Attempt 1": "1",
        "Attempt 2": "2",
    }

    found = view(TWICE, zoomed="1")
    assert found.alone == "Attempt 1"
    assert found.origin == at(8)
    assert [tick.label for tick in found.axis.ticks][:2] == ["0", "500 ms"]
    shown = bars(found)
    assert shown.pop("Attempt 1") == (0, 100)
    assert set(shown.values()) == {(0, 0)}
    assert {row.title: row.zoom for row in every(found.rows) if row.zoom} == {"Attempt 2": "2"}
    assert {row.title for row in every(found.rows) if row.is_open} == {"Attempt 1"}
    assert found.totals == whole.totals


def test_one_that_runs_grows_alone_too() -> None:
    found = view(TWICE, zoomed="2")
    growing = {row.title: row.bar.grows_from for row in every(found.rows) if row.runs}

    assert growing == {"Attempt 2": 0, "render": 2000}
    assert bars(found)["render"][0] == pytest.approx(100 * 2 / 7, abs=0.01)  # room for 3 s more


@pytest.mark.parametrize("number", ["", "0", "3", "-1", "x" * 100, "\0"])
def test_a_number_of_no_attempt_shows_all(number: str) -> None:
    assert view(TWICE, zoomed=number) == view(TWICE)


# --- rows


def test_the_waits_are_told_apart_and_add_up() -> None:
    claim = status_event(
        replace(OURS, status=Status.PROCESSING, attempt=1, updated_at=at(4)),
        waited=WAITED,
    )
    events = [
        event(0, Status.INIT, 0),
        StoredEvent(2, claim.type, claim.model_dump(mode="json")),
        event(8, Status.DONE, 1),
    ]
    found = view(stored_spans(OURS, events))

    assert titles(found) == [
        *("Waiting for a slot", "Waiting in the outbox", "In Kafka", "Waiting for a slot", "Attempt 1"),
    ]
    assert [(one.words, one.took, one.share) for one in found.totals] == [
        ("waiting for a slot", "3.0 s", 37.5),
        ("waiting in the outbox", "500 ms", 6.25),
        ("in Kafka", "500 ms", 6.25),
        ("work", "4.0 s", 50),
    ]
    assert sum(one.share for one in found.totals) == pytest.approx(100)
    assert [bool(row.meaning) for row in found.rows] == [True] * 4 + [False], "each wait says what it is for"


def test_what_runs_grows_from_its_start_and_has_no_path() -> None:
    found = view(stored_spans(OURS, EVENTS))
    growing = {row.title: row.bar.grows_from for row in every(found.rows) if row.runs}

    assert found.runs
    assert growing == {"Attempt 2": 8000, "render": 9000}
    assert not [row for row in every(found.rows) if row.critical]
    assert all(row.bar.x + row.bar.width <= 100 for row in every(found.rows))


def test_a_lost_attempt_shows_where_it_fell_silent() -> None:
    lost = attempt(1, 9, error="worker lost", attributes={"report.last_sign": at(3).isoformat()})
    found = view([root(10), lost, attempt(9, 10, 2)])
    row = found.rows[0]

    assert (row.title, row.error) == ("Attempt 1", "worker lost")
    assert (row.bar.x, row.bar.width) == (10, 20)
    assert row.silent is not None
    assert (row.silent.x, row.silent.width) == (30, 60)
    assert ("Last sign of its worker", "+3.0 s") in row.facts
    assert [(one.words, one.took) for one in found.totals] == [
        ("work", "3.0 s"),
        ("until a lost worker was noticed", "6.0 s"),
    ]


def test_the_critical_path_is_what_the_end_has_waited_for() -> None:
    spans = [
        root(10),
        stored("waiting", 0, 2),
        attempt(2, 10),
        stored("short", 2, 4, "attempt 1"),
        stored("long", 2, 8, "attempt 1", id="long"),
        stored("call", 3, 7, "long"),
        stored("last", 8, 10, "attempt 1"),
    ]

    critical = [row.title for row in every(view(spans).rows) if row.critical]

    assert critical == ["Waiting", "Attempt 1", "long", "call", "last"]


def test_many_alike_are_one_row_but_for_those_that_differ() -> None:
    steps = [stored(f"doWork:{one}", one / 10, (one + 1) / 10, "attempt 1") for one in range(400)]
    steps[7].error, steps[7].status = "No ink.", SpanStatus.ERROR
    found = view([root(40), attempt(0, 40), *steps])
    folded, failed = found.rows[0].children

    assert (folded.title, folded.count, len(folded.children), folded.left_out) == ("doWork", 399, 30, 369)
    assert (failed.title, failed.error) == ("doWork:7", "No ink.")
    assert found.failed_step == "doWork:7"
    assert (folded.bar.x, folded.bar.width) == (0, 100)


def test_two_thousand_of_any_sort_are_shown() -> None:
    deep = [stored("x", 0, 9, f"x{one - 1}" if one else "attempt 1", id=f"x{one}") for one in range(300)]
    wide = [stored(chr(65 + one % 26) * 9, one / 200, 9, "attempt 1", id=f"w{one}") for one in range(1700)]

    assert len(every(view([root(9), attempt(0, 9), *deep, *wide]).rows)) < 26 * 31 + 302


def test_a_step_that_takes_long_says_by_how_much() -> None:
    spans = [
        root(10),
        attempt(0, 10),
        *(stored(name, 1, 7.8, "attempt 1") for name in ("load", "render", "new")),
        stored("tiny", 0, 0.05, "attempt 1"),
        stored("lost", 0, 9, "attempt 1", error="worker lost"),
    ]
    found = view(spans, usual={"load": 2000, "render": 4000, "tiny": 1, "lost": 1000})

    assert {row.title: row.usual for row in every(found.rows) if row.usual} == {
        "load": "3.4\N{MULTIPLICATION SIGN} its usual 2.0 s"
    }


# --- before the first step


def test_what_passes_before_the_first_step_has_a_row() -> None:
    found = view([root(5), attempt(1, 5), stored("load", 1.9, 5, "attempt 1")])
    (row,) = found.rows

    assert [(one.title, one.took) for one in row.children] == [
        ("Before the first step", "900 ms"),
        ("load", "3.1 s"),
    ]
    assert row.children[0].critical
    assert ("beginning", "before the first step: its process starts") in found.legend


def test_it_grows_until_the_first_step_begins() -> None:
    (row,) = view([root(None), attempt(1, None)]).rows

    assert [(one.title, one.runs, one.bar.grows_from) for one in row.children] == [
        ("Before the first step", True, 1000)
    ]


@pytest.mark.parametrize(
    "spans",
    [
        [root(5), attempt(1, 5, error="worker lost")],
        [root(5), attempt(1, 5)],
        [root(5), attempt(1, 5), stored("load", 1.04, 5, "attempt 1")],
    ],
)
def test_an_attempt_without_steps_or_that_begins_at_once_has_no_such_row(spans: list[SpanResource]) -> None:
    assert "Before the first step" not in titles(view(spans))


# --- with Jaeger's


def traced() -> list[SpanResource]:
    return [
        stored("POST /api/v1/reports", -0.01, 0.02, None, id="a", kind="server", service="producer-api"),
        stored("report_request", 0, 0.01, "a", id="b"),
        stored("report_producer", 0.5, 0.6, "b", id="c", kind="producer"),
        stored("report_consumer", 1, 5, "c", id="d", kind="consumer"),
        stored("handle_report", 1.1, 4.9, "d", id="e", attributes={"report.attempt": 2, "own": "x"}),
        stored("load", 1.2, 3, "e", id="f", attributes={"report.step.rows": 7}),
        stored("SELECT", 1.3, 2.9, "f", id="g", kind="client"),
    ]


def test_a_trace_refines_what_the_database_knows_and_hides_none_of_it() -> None:
    known = [
        root(5),
        stored("waiting", 0, 0.7),
        attempt(0.7, 0.9, 1, error="worker lost"),
        stored("load", 0.7, 0.9, "attempt 1", error="worker lost"),
        attempt(1, 5, 2),
        stored("load", 1.1, 3.1, "attempt 2"),
        stored("render", 3.1, 4, "attempt 2"),
    ]
    found = view(known, traced())
    rows = {row.title: row for row in found.rows}

    assert found.from_jaeger
    assert rows.keys() == {"Attempt 1", "Attempt 2", "Waiting", "POST /api/v1/reports", "Sending to Kafka"}
    assert ("Span", "report_producer") in rows["Sending to Kafka"].facts
    assert [row.title for row in rows["Attempt 1"].children] == ["load"]
    assert [row.title for row in rows["Attempt 2"].children] == ["Before the first step", "load", "render"]
    load = rows["Attempt 2"].children[1]
    assert (load.id, load.starts, load.took) == ("f", "+1.2 s", "1.8 s")
    assert [(row.title, row.what) for row in load.children] == [("SELECT", "call")]
    assert ("own", "x") in rows["Attempt 2"].facts
    assert found.origin == START - timedelta(milliseconds=10)


def test_of_a_trace_that_lacks_all_the_database_is_shown() -> None:
    known = [root(5), stored("waiting", 0, 1), attempt(1, 5), stored("load", 1, 2, "attempt 1")]

    assert titles(view(known, [])) == titles(view(known, NoSpans.AWAY)) == ["Waiting", "Attempt 1", "load"]


# --- what is asked of Jaeger and of the database


class Ledger:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def events_after(self, *_: object) -> list[StoredEvent]:
        return EVENTS

    def usual_step_times(self, *_: object) -> dict[str, float]:
        self.asked += 1
        return {"load": float(self.asked)}


class Away:
    """A Jaeger that never answers."""

    def ask(self, _: Report) -> NoSpans:
        return NoSpans.AWAY


def test_usual_times_are_asked_for_from_time_to_time() -> None:
    ledger, now = Ledger(), [100.0]
    waterfalls = Waterfalls(ledger, Away(), lambda: now[0])  # type: ignore[arg-type]

    for seconds, usuals in ((0, 1), (59, 1), (2, 2)):
        now[0] += seconds
        known = waterfalls.known(OURS)
        assert (known.traced, ledger.asked) == (NoSpans.AWAY, usuals)
