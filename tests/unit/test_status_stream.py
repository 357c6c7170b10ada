"""The order of a status stream, whatever the hub and the database say and when.

Hub and database are doubles: no real ones miss, double and reorder on demand.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, cast
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from producer_api.policies import StreamPolicy
from producer_api.status_hub import Inbox, StatusHub
from producer_api.stream import EventStream
from tests.support.waiting import PATIENCE
from waybill.domain import Report, Status
from waybill.store import StoredEvent, StoreUnavailable

LAST = 6
NOW = datetime.now(UTC)
REPORT = Report(
    id=uuid4(),
    kind="dowork",
    parameters={},
    status=Status.PROCESSING,
    version=LAST,
    attempt=1,
    progress=None,
    failure=None,
    artefact=None,
    carrier=None,
    created_at=NOW,
    updated_at=NOW,
    started_at=NOW,
    finished_at=None,
)
POLICY = StreamPolicy(
    heartbeat=timedelta(hours=1), catch_up=timedelta(milliseconds=1), tick=timedelta(milliseconds=1)
)
PATIENT = replace(POLICY, catch_up=timedelta(hours=1))


def event(version: int) -> StoredEvent:
    """Versions 1 and 2 accept and claim, the last one ends, the others are steps."""
    statuses = {1: Status.INIT, LAST: Status.DONE}
    kind = "step" if 2 < version < LAST else "status"
    return StoredEvent(
        version, kind, {"version": version, "status": statuses.get(version, Status.PROCESSING)}
    )


class Hub:
    """Has passed on `live` already when a stream begins to listen."""

    def __init__(self, *live: int, size: int = 100) -> None:
        self.inbox = Inbox(size)
        self.draining = False
        for version in live:
            self.inbox.put(event(version))

    @contextmanager
    def subscribe(self, report_id: UUID, version: int) -> Iterator[Inbox]:
        assert (report_id, version) == (REPORT.id, REPORT.version)
        yield self.inbox


class Stored:
    """A database in which the events of `versions` are."""

    def __init__(self, versions: range = range(1, LAST + 1)) -> None:
        self.versions = versions
        self.looks = 0
        self.most = 0

    def __call__(self, report_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        assert report_id == REPORT.id
        self.looks += 1
        found = [event(number) for number in self.versions if number > after][:limit]
        self.most = max(self.most, len(found))
        return found


def never() -> bool:
    return False


def stream(hub: Hub, stored: Any, last_seen: int = 0, policy: StreamPolicy = POLICY) -> EventStream:
    return EventStream(REPORT, last_seen, cast(StatusHub, hub), stored, policy, never)


def sent(hub: Hub, stored: Any, last_seen: int = 0, policy: StreamPolicy = POLICY) -> list[int]:
    """The ids of all events until the stream ends."""
    text = "".join(stream(hub, stored, last_seen, policy))
    return [int(number) for number in re.findall(r"^id: (\d+)$", text, re.MULTILINE)]


@given(st.lists(st.integers(1, LAST), max_size=20), st.integers(0, LAST - 1), st.integers(1, 4))
def test_each_event_is_sent_once_and_in_order_whatever_comes_live(
    live: list[int], last_seen: int, page: int
) -> None:
    """Also where the inbox is too small: a slow client costs no memory and no event."""
    assert sent(Hub(*live, size=2), Stored(), last_seen, replace(POLICY, page=page)) == list(
        range(last_seen + 1, LAST + 1)
    )


def test_live_events_need_no_read_of_the_stream() -> None:
    stored = Stored(range(0))

    assert sent(Hub(*range(1, LAST + 1)), stored, policy=PATIENT) == list(range(1, LAST + 1))
    assert stored.looks == 1


def test_a_gap_is_filled_from_the_database_at_once() -> None:
    class AfterTheGap(Stored):
        """Knows nothing when the stream begins, and everything at the second look."""

        def __call__(self, report_id: UUID, after: int, limit: int) -> list[StoredEvent]:
            if not self.looks:
                self.looks += 1
                return []
            return super().__call__(report_id, after, limit)

    assert sent(Hub(4), AfterTheGap(), policy=PATIENT) == list(range(1, LAST + 1))


def test_a_replay_is_read_in_pages() -> None:
    stored = Stored()

    assert sent(Hub(), stored, policy=replace(PATIENT, page=2)) == list(range(1, LAST + 1))
    assert stored.most == 2


def test_a_database_that_is_away_does_not_end_the_stream() -> None:
    stored = Stored()

    def away_at_first(report_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        found = stored(report_id, after, limit)
        if stored.looks < 3:
            raise StoreUnavailable("away")
        return found

    assert sent(Hub(), away_at_first) == list(range(1, LAST + 1))


def test_draining_ends_the_stream_in_the_middle() -> None:
    hub = Hub()
    lines = iter(stream(hub, Stored(range(1, 3))))

    assert [next(lines) for _ in range(3)][-1].startswith("id: 2\n")
    hub.draining = True
    assert list(lines) == []


def test_a_client_that_has_gone_ends_the_stream_without_a_heartbeat() -> None:
    gone = Event()
    lines = iter(
        EventStream(REPORT, LAST - 1, cast(StatusHub, Hub()), Stored(range(0)), PATIENT, gone.is_set)
    )

    assert next(lines) == "retry: 1000\n\n"
    gone.set()
    assert list(lines) == []


def test_a_stream_ends_at_its_longest_lifetime() -> None:
    short = replace(PATIENT, lifetime=timedelta(milliseconds=5))

    assert list(stream(Hub(), Stored(range(1, 3)), 2, short)) == ["retry: 1000\n\n"]


def test_a_silent_stream_shows_that_it_lives() -> None:
    policy = replace(PATIENT, heartbeat=timedelta(milliseconds=5))
    lines = iter(stream(Hub(), Stored(range(1, 3)), 2, policy))

    assert next(lines) == "retry: 1000\n\n"
    assert next(lines) == ": still here\n\n"


def test_an_event_is_one_line_of_json() -> None:
    _, text = stream(Hub(), Stored(), LAST - 1)

    number, sort, data, *rest = text.split("\n")
    assert (number, sort) == (f"id: {LAST}", "event: status")
    assert data == f'data: {{"version":{LAST},"status":"done"}}'
    assert rest == ["", ""]


class TestHub:
    """One read of the database for all reports with open streams."""

    def test_a_hint_leads_to_what_the_database_has_and_to_nothing_else(self) -> None:
        reads: list[dict[UUID, int]] = []
        stored = {REPORT.id: [event(LAST)], (other := uuid4()): [event(1)]}

        def read(versions: Mapping[UUID, int], limit: int) -> list[tuple[UUID, StoredEvent]]:
            reads.append(dict(versions))
            return [
                (report_id, found)
                for report_id, version in versions.items()
                for found in stored[report_id]
                if found.version > version
            ][:limit]

        hub = StatusHub(read, PATIENT)
        hub.start()
        with hub.subscribe(REPORT.id, LAST - 1) as first, hub.subscribe(REPORT.id, LAST - 1) as second:
            hub.hint(other)  # nobody watches it
            hub.hint(REPORT.id)

            assert first.get(PATIENCE) == event(LAST)
            assert second.get(PATIENCE) == event(LAST)
            hub.hint(REPORT.id)  # forged, or late: nothing has changed
            assert first.get(0.2) is None
        hub.stop()

        assert reads[0] == {REPORT.id: LAST - 1}
        assert all(read == {REPORT.id: LAST} for read in reads[1:])

    def test_without_hints_it_reads_all_watched_reports_at_once(self) -> None:
        watched = [uuid4() for _ in range(20)]
        reads: list[set[UUID]] = []

        def read(versions: Mapping[UUID, int], _limit: int) -> list[tuple[UUID, StoredEvent]]:
            reads.append(set(versions))
            return [(report_id, event(1)) for report_id, version in versions.items() if not version]

        hub = StatusHub(read, replace(PATIENT, catch_up=timedelta(milliseconds=200)))
        with ExitStack() as streams:
            inboxes = [streams.enter_context(hub.subscribe(report_id, 0)) for report_id in watched]
            hub.start()
            assert all(inbox.get(PATIENCE) == event(1) for inbox in inboxes)
        hub.stop()

        assert reads[0] == set(watched)
