"""The checker finds every sort of fault that is planted in a history, and nothing in one that is fine."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.checker import CHECKS, Harm, check
from tests.faults.history import (
    Accepted,
    DeadLetter,
    Effect,
    Event,
    History,
    Observed,
    Pointer,
    Published,
    Row,
    Span,
    SpanLoss,
    Stream,
    Told,
)
from waybill.domain import TRANSITIONS, Status

WORKER, OTHER_WORKER = 501, 502
SHA = "ab" * 32

Plan = Callable[[History], History]


def life(name: str, lost_attempts: int = 0, end: Status = Status.DONE) -> History:
    """A report's whole record: so many attempts that their worker lost, then one that ended it."""
    events = [Event(name, 1, "status", "init", 0, 0.0)]

    def add(kind: str, status: str, attempt: int, sha256: str | None = None) -> None:
        events.append(Event(name, len(events) + 1, kind, status, attempt, float(len(events)), sha256))

    effects = []
    for attempt in range(1, lost_attempts + 2):
        add("status", "processing", attempt)
        add("step", "processing", attempt)
        effects.append(Effect(name, attempt, OTHER_WORKER, None))
        if attempt <= lost_attempts:
            add("status", "init", attempt)
    done = end is Status.DONE
    add("step", "processing", lost_attempts + 1)
    add("status", end, lost_attempts + 1, SHA if done else None)
    effects[-1] = replace(effects[-1], worker=WORKER, finished_at=2.0)
    key = f"reports/{name}/{lost_attempts + 1}/effect.txt"
    last = events[-1]
    row = Row(
        name,
        f"request-{name}",
        end,
        last.version,
        last.attempt,
        Pointer(key, SHA) if done else None,
        "t",
        0.0,
        last.at,
    )
    return History(
        accepted=(Accepted(name, f"request-{name}"),),
        observed=tuple(Observed(name, event.version, event.status) for event in events[::2]),
        streams=(Stream("client", name, tuple(Told(event.version, event.status) for event in events)),),
        rows=(row,),
        events=tuple(events),
        published={name: Published(name, last.version, end)},
        effects=tuple(effects),
        dead_letters=(DeadLetter("error", "report/0/1", name),) if end is Status.FAIL else (),
        given_up=frozenset({name} if end is Status.FAIL else ()),
        files={key: SHA} if done else {},
        traces={name: trace()},
        expected={name: end},
        ended_by=1000.0,
    )


def trace() -> tuple[Span, ...]:
    names = ("POST /api/v1/reports", "report_request", "report_producer", "report_consumer", "handle_report")
    return tuple(Span(name, names[at - 1] if at else None, name, float(at)) for at, name in enumerate(names))


def together(*histories: History) -> History:
    merged: dict[str, Any] = {}
    for name in ("accepted", "observed", "streams", "rows", "events", "effects", "dead_letters"):
        merged[name] = tuple(item for history in histories for item in getattr(history, name))
    for name in ("published", "files", "traces", "expected"):
        merged[name] = {key: value for history in histories for key, value in getattr(history, name).items()}
    given_up = frozenset[str]().union(*(history.given_up for history in histories))
    return History(**merged, given_up=given_up, ended_by=1000.0)


fine = together(life("r1"), life("r2", lost_attempts=2), life("r3", end=Status.FAIL))


def row(name: str, **changes: Any) -> Plan:
    """Changes the row of a report."""

    def plant(history: History) -> History:
        rows = tuple(
            replace(one, **changes) if one.report_id == name else one
            for one in history.rows  #
        )
        return replace(history, rows=rows)

    return plant


def without(collection: str, **match: Any) -> Plan:
    """Removes the items that match."""

    def plant(history: History) -> History:
        kept = tuple(
            one
            for one in getattr(history, collection)
            if any(getattr(one, name) != value for name, value in match.items())
        )
        return replace(history, **{collection: kept})  # type: ignore[arg-type]

    return plant


def event(name: str, version: int, **changes: Any) -> Plan:
    """Changes one event of a report."""

    def plant(history: History) -> History:
        events = tuple(
            replace(one, **changes) if (one.report_id, one.version) == (name, version) else one
            for one in history.events
        )
        return replace(history, events=events)

    return plant


def more(collection: str, *items: Any) -> Plan:
    return lambda history: replace(history, **{collection: getattr(history, collection) + items})


def told(*versions: int, ended: bool = True) -> Plan:
    """What r1's client was told."""
    statuses = ("init", "processing", "processing", "processing", "done")
    events = tuple(Told(version, statuses[version - 1]) for version in versions)
    stream = Stream("client", "r1", events, ended)
    return lambda history: replace(history, streams=(stream,))


def mapped(mapping: str, key: str, value: Any) -> Plan:
    """Sets, or with None removes, an entry."""

    def plant(history: History) -> History:
        entries = dict(getattr(history, mapping))
        entries.pop(key, None)
        return replace(history, **{mapping: entries if value is None else {**entries, key: value}})  # type: ignore[arg-type]

    return plant


def twice_ended(history: History) -> History:
    history = more("events", Event("r1", 6, "status", "done", 1, 6.0, "cd" * 32))(history)
    history = row("r1", version=6)(history)
    return mapped("published", "r1", Published("r1", 6, "done"))(history)


PLANTED: list[tuple[Harm, str, Plan]] = [
    (Harm.LOST, "accepted_not_kept", more("accepted", Accepted("r9", "request-r9"))),
    (Harm.DOUBLED, "request_kept_twice", row("r2", request="request-r1")),
    (Harm.STUCK, "not_ended", row("r1", status="processing")),
    (Harm.STUCK, "not_ended", row("r1", status="init", finished_at=None)),
    (Harm.LOST, "ended_wrong", row("r1", status="fail")),
    (Harm.STUCK, "ended_late", row("r1", finished_at=1001.0)),
    (Harm.LOST, "event_missing", without("events", report_id="r1", version=3)),
    (Harm.DOUBLED, "event_repeated", more("events", Event("r1", 3, "step", "processing", 1, 3.0))),
    (Harm.DISORDER, "row_differs_from_events", row("r1", status="cancelled")),
    (Harm.DISORDER, "wrong_beginning", event("r1", 1, status="processing")),
    (Harm.DISORDER, "illegal_transition", event("r1", 2, type="status", status="done")),
    (Harm.DISORDER, "illegal_transition", event("r2", 4, status="processing")),
    (Harm.DISORDER, "illegal_transition", twice_ended),
    (Harm.DISORDER, "wrong_attempt", event("r2", 6, attempt=1)),
    (Harm.DISORDER, "wrong_attempt", event("r2", 5, attempt=3)),
    (Harm.DOUBLED, "ended_twice", twice_ended),
    (Harm.DOUBLED, "two_artefacts", twice_ended),
    (Harm.LOST, "artefact_missing", row("r1", artefact=None)),
    (Harm.LOST, "artefact_missing", mapped("files", "reports/r1/1/effect.txt", None)),
    (Harm.LOST, "artefact_damaged", mapped("files", "reports/r1/1/effect.txt", "00" * 32)),
    (Harm.DOUBLED, "artefact_of_other_attempt", row("r2", attempt=2)),
    (Harm.LOST, "effect_missing", without("effects", report_id="r1")),
    (Harm.LOST, "effect_missing", without("effects", report_id="r2", attempt=3)),
    (Harm.DOUBLED, "effect_doubled", more("effects", Effect("r1", 1, OTHER_WORKER, 2.0))),
    (Harm.DOUBLED, "effect_doubled", more("effects", Effect("r2", 1, OTHER_WORKER, None))),
    (
        Harm.DOUBLED,
        "two_dead_letters",
        more("dead_letters", DeadLetter("error", "report/0/2", "r3")),
    ),
    (Harm.LOST, "dead_letter_missing", without("dead_letters", report_id="r3")),
    (Harm.LOST, "unexpected_dead_letter", more("dead_letters", DeadLetter("error", "report/0/3", "r1"))),
    (Harm.LOST, "unexpected_dead_letter", more("dead_letters", DeadLetter("not_json", "report/0/4"))),
    (Harm.LOST, "message_not_kept", mapped("expected_dead_letters", "report/0/7", "not_json")),
    (Harm.LOST, "status_not_published", mapped("published", "r1", None)),
    (Harm.LOST, "status_not_published", mapped("published", "r1", Published("r1", 4, "processing"))),
    (Harm.DISORDER, "topic_differs_from_row", mapped("published", "r1", Published("r1", 5, "fail"))),
    (Harm.DISORDER, "topic_differs_from_row", mapped("published", "r1", Published("r1", 6, "done"))),
    (Harm.STUCK, "outbox_not_empty", more("outbox", "r1")),
    (Harm.LOST, "stream_gap", told(1, 2, 4, 5)),
    (Harm.LOST, "stream_gap", told(1, 2, 3, 4)),
    (Harm.DOUBLED, "stream_repeats", told(1, 2, 3, 3, 4, 5)),
    (Harm.DISORDER, "stream_out_of_order", told(1, 3, 2, 4, 5)),
    (
        Harm.DISORDER,
        "stream_differs_from_event",
        lambda history: replace(history, streams=(Stream("client", "r1", (Told(5, "fail"),)),)),
    ),
    (Harm.STUCK, "stream_open", told(1, 2, 3, ended=False)),
    (Harm.DISORDER, "read_went_back", more("observed", Observed("r1", 1, "init"))),
    (Harm.DISORDER, "read_differs_from_event", more("observed", Observed("r1", 5, "fail"))),
    (Harm.TRACE, "no_root", mapped("traces", "r1", ())),
    (Harm.TRACE, "orphan_span", mapped("traces", "r1", trace()[:2] + trace()[3:])),
    (Harm.TRACE, "no_root", mapped("traces", "r1", trace()[1:])),
    (Harm.TRACE, "several_roots", mapped("traces", "r1", (*trace(), Span("x", None, "x", 0.0)))),
    (Harm.TRACE, "span_missing", mapped("traces", "r1", trace()[:4])),
]


def test_a_fine_history_has_no_violation() -> None:
    assert check(fine) == []


@pytest.mark.parametrize(
    ("harm", "name", "plant"), PLANTED, ids=[f"{one[1]}-{at}" for at, one in enumerate(PLANTED)]
)
def test_a_planted_fault_is_found(harm: Harm, name: str, plant: Plan) -> None:
    found = {(violation.harm, violation.name) for violation in check(plant(fine))}
    assert (harm, name) in found


def test_every_check_has_a_planted_fault() -> None:
    """So that no check is one that cannot fail."""
    fired = {
        one.__name__
        for one in CHECKS
        if any(list(one(plant(fine))) for _, _, plant in PLANTED)  #
    }
    assert fired == {one.__name__ for one in CHECKS}


def test_a_letter_is_kept_once_with_its_reason() -> None:
    history = mapped("expected_dead_letters", "report/0/7", "not_json")(fine)
    kept = DeadLetter("not_json", "report/0/7")
    assert check(more("dead_letters", kept)(history)) == []
    assert [one.name for one in check(more("dead_letters", kept, kept)(history))] == ["two_dead_letters"]
    other = DeadLetter("null_value", "report/0/7")
    assert [one.name for one in check(more("dead_letters", other)(history))] == ["wrong_reason"]


@given(
    lives=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from([Status.DONE, Status.FAIL, Status.CANCELLED])),
        max_size=6,
    )
)
def test_any_legal_lives_are_fine(lives: list[tuple[int, Status]]) -> None:
    history = together(*(life(f"r{at}", lost, end) for at, (lost, end) in enumerate(lives)))
    assert check(history) == []


@given(was=st.sampled_from(Status), becomes=st.sampled_from(Status))
def test_a_change_is_legal_as_the_domain_says(was: Status, becomes: Status) -> None:
    """All but those that only a redrive may make."""
    events = (Event("r", 1, "status", was, 1, 0.0), Event("r", 2, "status", becomes, 1, 0.0))
    base = life("r")
    history = replace(base, rows=(replace(base.rows[0], version=2),), events=events)
    illegal = "illegal_transition" in {violation.name for violation in check(history)}
    legal = becomes in TRANSITIONS[was] and was in (Status.INIT, Status.PROCESSING)
    assert illegal is not legal


class TestLostSpans:
    """A span may be missing for a reason that is on record, and for no other."""

    orphans = trace()[:4][:2] + trace()[3:]  # report_producer is gone

    def test_a_killed_worker_explains_the_spans_of_its_attempts(self) -> None:
        history = mapped("traces", "r2", self.orphans)(fine)
        assert check(replace(history, span_losses=(SpanLoss(4.0, 5.0, "killed", OTHER_WORKER),))) == []

    @pytest.mark.parametrize(
        ("report_id", "loss"),
        [
            pytest.param("r1", SpanLoss(0.0, 1.0, "killed", OTHER_WORKER), id="another worker"),
            pytest.param("r2", SpanLoss(900.0, 901.0, "killed", OTHER_WORKER), id="long afterwards"),
        ],
    )
    def test_a_killed_worker_explains_nothing_else(self, report_id: str, loss: SpanLoss) -> None:
        history = mapped("traces", report_id, self.orphans)(fine)
        found = check(replace(history, span_losses=(loss,)))
        assert {one.name for one in found} == {"orphan_span", "span_missing"}

    def test_whoever_sent_a_message_may_have_been_killed(self) -> None:
        again = Span("again", "of the sender", "report_consumer", 6.0)
        history = mapped("traces", "r1", (*trace(), again))(fine)
        assert [one.name for one in check(history)] == ["orphan_span"]
        assert check(replace(history, span_losses=(SpanLoss(6.0, 7.0, "killed", OTHER_WORKER),))) == []

    def test_a_loss_explains_what_was_sent_then(self) -> None:
        history = mapped("traces", "r1", self.orphans)(fine)
        assert check(replace(history, span_losses=(SpanLoss(2.0, 3.0, "collector down"),))) == []
        assert check(replace(history, span_losses=(SpanLoss(50.0, 60.0, "collector down"),))) != []

    def test_the_time_in_kafka_is_taken_off(self) -> None:
        late = replace(self.orphans[2], start=103.0, queue_seconds=100.0)
        history = mapped("traces", "r1", (*self.orphans[:2], late, self.orphans[3]))(fine)
        assert check(replace(history, span_losses=(SpanLoss(2.0, 3.0, "killed"),))) == []
        later = check(replace(history, span_losses=(SpanLoss(50.0, 51.0, "killed"),)))
        assert "orphan_span" in {one.name for one in later}

    def test_a_message_that_another_process_published_lost_its_parent_before(self) -> None:
        swept = tuple(replace(span, start=span.start + 20) for span in trace()[2:])
        history = mapped("traces", "r1", swept)(fine)
        assert check(replace(history, span_losses=(SpanLoss(0.0, 1.0, "killed"),))) == []


def test_what_ended_before_kafka_lost_its_data_is_not_expected_on_the_topic() -> None:
    history = mapped("published", "r1", None)(fine)
    assert check(replace(history, topic_lost_at=4.5)) == []
    assert [one.name for one in check(replace(history, topic_lost_at=3.5))] == ["status_not_published"]
