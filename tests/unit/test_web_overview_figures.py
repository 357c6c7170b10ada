"""What the overview makes of the ledger's figures."""

from datetime import UTC, datetime, timedelta

from producer_api.web.overview_figures import by_kind, by_status, oldest_waiting, what_fails
from waybill.domain import KindLimit, Status
from waybill.ledger import MOST_COUNTED, Figures
from waybill.store import Capacity, Durations, EndedHour, FailureCount, LiveWorkers, StatusCount

NOW = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(minutes=4)
FAILURES = [
    FailureCount("flights", "step_failed", MOST_COUNTED - 1, "no data", NOW),
    FailureCount("flights", "slot_died", 1, "killed", NOW),
    FailureCount("dowork", "slot_died", 1, "killed", NOW),
]
FIGURES = Figures(
    kinds=["dowork", "flights", "old"],
    under_way=[
        StatusCount("dowork", Status.INIT, 3, NOW),
        StatusCount("flights", Status.INIT, 4, EARLIER),
        StatusCount("flights", Status.PROCESSING, 1, EARLIER - timedelta(hours=1)),
    ],
    hours=[
        EndedHour("flights", 0, MOST_COUNTED - 10, 1),
        EndedHour("flights", 3, 10, 0, cancelled=2),
        EndedHour("dowork", 1, 600, 600),
        EndedHour("new", 0, 1, 0),
    ],
    durations=[Durations("old", 9, 1.0, 2.0, 0.5)],
    failures=FAILURES,
    capacity=Capacity(LiveWorkers(1, 1, 2), 1),
    limits={"dowork": KindLimit("dowork", paused_at=NOW), "flights": KindLimit("flights", max_running=2)},
)


def test_each_status_says_of_which_time_it_is_and_whether_there_are_more() -> None:
    assert [(one.status, one.number, one.is_more, one.period, one.within) for one in by_status(FIGURES)] == [
        (Status.INIT, 7, False, "now", None),
        (Status.PROCESSING, 1, False, "now", None),
        (Status.DONE, MOST_COUNTED + 601, True, "last 24 hours", "24h"),
        (Status.FAIL, 601, False, "last 24 hours", "24h"),
        (Status.CANCELLED, 2, False, "last 24 hours", "24h"),
    ]


def test_the_oldest_that_waits_is_not_one_that_runs() -> None:
    assert oldest_waiting(FIGURES) == EARLIER


def test_kinds_are_those_with_reports_however_old_the_busiest_first() -> None:
    found = by_kind(FIGURES, str.title)

    assert [(one.title, one.ended, one.is_more, one.most_in_an_hour, one.is_paused) for one in found] == [
        ("Dowork", 1200, False, 1200, True),
        ("Flights", MOST_COUNTED + 1, True, MOST_COUNTED - 9, False),
        ("New", 1, False, 1, False),
        ("Old", 0, False, 0, False),
    ]
    assert found[1].counts == {Status.INIT: 4, Status.PROCESSING: 1}
    assert found[-1].durations == FIGURES.durations[0]


def test_where_not_all_failures_of_a_kind_were_counted_each_of_its_numbers_may_be_more() -> None:
    assert [(one.title, one.of.number, one.is_more) for one in what_fails(FAILURES, str.title)] == [
        ("Flights", MOST_COUNTED - 1, True),
        ("Flights", 1, True),
        ("Dowork", 1, False),
    ]
