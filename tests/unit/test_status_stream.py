"""The order of a status stream, whatever the hub and the database say and when.

The hub is a double: no real Kafka doubles, drops and reorders on demand.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Any, cast
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from producer_api.policies import StreamPolicy
from producer_api.status_hub import Inbox, StatusHub
from producer_api.stream import EventStream
from waybill.domain import Status, StepStatus
from waybill.messages import StatusEvent, StatusEventType
from waybill.messages.status_event import StepModel
from waybill.store import StoredEvent, StoreUnavailable

REPORT = uuid4()
LAST = 6
POLICY = StreamPolicy(
    heartbeat=timedelta(hours=1), catch_up=timedelta(milliseconds=1), tick=timedelta(milliseconds=1)
)


def event(version: int) -> StatusEvent:
    """Versions 1 and 2 accept and claim, the last one ends, the others are steps."""
    statuses = {1: Status.INIT, LAST: Status.DONE}
    step = StepModel(name="a", status=StepStatus.RUNNING) if 2 < version < LAST else None
    return StatusEvent(
        report_id=REPORT,
        kind="dowork",
        version=version,
        type=StatusEventType.STEP if step else StatusEventType.STATUS,
        at=datetime.now(UTC),
        status=statuses.get(version, Status.PROCESSING),
        attempt=1,
        step=step,
        created_at=datetime.now(UTC),
    )


class Hub:
    """Has told `live` already when a stream begins to listen."""

    def __init__(self, *live: int) -> None:
        self.inbox: Inbox = SimpleQueue()
        self.draining = False
        self.streams = 1
        for version in live:
            self.inbox.put(event(version))

    @contextmanager
    def subscribe(self, report_id: UUID) -> Iterator[Inbox]:
        assert report_id == REPORT
        yield self.inbox


class Stored:
    """A database in which the events of `versions` are; it tells all that it has at each look."""

    def __init__(self, versions: range = range(1, LAST + 1)) -> None:
        self.versions = versions
        self.looks = 0

    def __call__(self, report_id: UUID, after: int) -> list[StoredEvent]:
        assert report_id == REPORT
        self.looks += 1
        return [
            StoredEvent(number, event(number).type, event(number).model_dump(mode="json"))
            for number in self.versions
            if number > after
        ]


def told(hub: Hub, stored: Any, last_seen: int = 0, policy: StreamPolicy = POLICY) -> list[int]:
    """The ids of all events until the stream ends."""
    stream = EventStream(REPORT, last_seen, cast(StatusHub, hub), stored, policy)
    return [int(number) for number in re.findall(r"^id: (\d+)$", "".join(stream), re.MULTILINE)]


@given(st.lists(st.integers(1, LAST), max_size=20), st.integers(0, LAST - 1))
def test_each_event_is_told_once_and_in_order_whatever_comes_live(live: list[int], last_seen: int) -> None:
    class Growing(Stored):
        """Each look finds one event more than the last: the report goes on meanwhile."""

        def __call__(self, report_id: UUID, after: int) -> list[StoredEvent]:
            self.versions = range(1, min(self.looks, LAST) + 1)
            return super().__call__(report_id, after)

    assert told(Hub(*live), Growing(), last_seen) == list(range(last_seen + 1, LAST + 1))


def test_live_events_need_no_database() -> None:
    patient = StreamPolicy(catch_up=timedelta(hours=1), tick=timedelta(milliseconds=1))
    stored = Stored(range(0))

    assert told(Hub(*range(1, LAST + 1)), stored, policy=patient) == list(range(1, LAST + 1))
    assert stored.looks == 1


def test_a_gap_is_filled_from_the_database_at_once() -> None:
    patient = StreamPolicy(catch_up=timedelta(hours=1), tick=timedelta(milliseconds=1))

    class AfterTheGap(Stored):
        """Knows nothing when the stream begins, and everything at the second look."""

        def __call__(self, report_id: UUID, after: int) -> list[StoredEvent]:
            return super().__call__(report_id, after) if self.looks or self._first() else []

        def _first(self) -> bool:
            self.looks += 1
            return False

    assert told(Hub(4), AfterTheGap(), policy=patient) == list(range(1, LAST + 1))


def test_a_database_that_is_away_does_not_end_the_stream() -> None:
    stored = Stored()

    def away_at_first(report_id: UUID, after: int) -> list[StoredEvent]:
        found = stored(report_id, after)
        if stored.looks < 3:
            raise StoreUnavailable("away")
        return found

    assert told(Hub(), away_at_first) == list(range(1, LAST + 1))


def test_draining_ends_the_stream_in_the_middle() -> None:
    hub = Hub()
    hub.draining = True

    assert told(hub, Stored(range(1, 3))) == [1, 2]


def test_one_stream_too_many_ends_at_once() -> None:
    """Those that came at the same time were let in together."""
    hub = Hub(1)
    hub.streams = POLICY.max_streams + 1

    assert list(EventStream(REPORT, 0, cast(StatusHub, hub), Stored(), POLICY)) == ["retry: 1000\n\n"]


def test_a_silent_stream_tells_that_it_lives() -> None:
    hub = Hub()
    policy = StreamPolicy(
        heartbeat=timedelta(milliseconds=5), catch_up=timedelta(hours=1), tick=timedelta(milliseconds=1)
    )
    stream = iter(EventStream(REPORT, 2, cast(StatusHub, hub), Stored(range(1, 3)), policy))

    assert next(stream) == "retry: 1000\n\n"
    assert next(stream) == ": still here\n\n"


def test_an_event_is_one_line_of_json() -> None:
    stream = EventStream(REPORT, LAST - 1, cast(StatusHub, Hub()), Stored(), POLICY)

    _, text = stream

    number, sort, data, *rest = text.split("\n")
    assert (number, sort) == (f"id: {LAST}", "event: status")
    assert StatusEvent.model_validate_json(data.removeprefix("data: ")).version == LAST
    assert rest == ["", ""]
