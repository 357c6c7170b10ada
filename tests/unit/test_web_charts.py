"""Bars of what ended in each hour."""

from producer_api.web.charts import HEIGHT, WIDTH, hour_bars, in_words, most_in_an_hour
from waybill.store import EndedHour


def test_where_nothing_has_ended_there_are_no_bars() -> None:
    assert hour_bars([], 24) == []
    assert hour_bars([EndedHour("flights", 2, 0, 0)], 24) == []


def test_the_last_hour_is_on_the_right_and_the_highest_bar_is_full() -> None:
    bars = hour_bars([EndedHour("flights", 0, 6, 2), EndedHour("flights", 23, 2, 0)], 24)

    assert len(bars) == 24
    first, last = bars[0], bars[-1]
    assert first.x == 0
    assert WIDTH - 10 <= last.x < last.x + last.width <= WIDTH
    assert (last.done_height, last.failed_height) == (HEIGHT * 6 / 8, HEIGHT * 2 / 8)
    assert (last.done_y, last.failed_y) == (HEIGHT * 2 / 8, 0), (
        "the failed ones stand on those that were done"
    )
    assert (first.done_y, first.done_height, first.failed_height) == (HEIGHT * 6 / 8, HEIGHT * 2 / 8, 0)
    assert all(bar.done_height == bar.failed_height == 0 for bar in bars[1:-1])
    assert (last.words, first.words) == ("last hour: 6 done, 2 failed", "23 h ago: 2 done, 0 failed")


def test_an_hour_before_the_first_is_left_out() -> None:
    assert hour_bars([EndedHour("flights", 24, 9, 9)], 24) == []


def test_the_bars_in_words() -> None:
    hours = [EndedHour("flights", 0, 1200, 1), EndedHour("flights", 3, 34, 0)]
    assert in_words(hours) == (
        "Requested in the last 24 hours: 1,234 done and 1 failed; at most 1,201 in an hour, in the last one"
    )
    assert in_words(hours[1:]).endswith("34 done and 0 failed; at most 34 in an hour, 3 h ago")
    assert in_words([]) == "Requested in the last 24 hours: 0 done and 0 failed"
    assert (most_in_an_hour(hours), most_in_an_hour([])) == (1201, 0)
