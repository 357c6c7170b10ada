"""The checker finds every sort of fault that is planted in a history, and nothing in one that is fine."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.checker import CHECKS, Harm, check, suspects_run_alone
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
from tests.faults.injectors.jobs import count
from waybill.domain import TRANSITIONS, Status

WORKER, OTHER_WORKER = 501, 502
SHA = "ab" * 32

Plan = Callable[[History], History]


def life(name: str, lost_attempts: int = 0, end: Status = Status.DONE) -> History:
    """A report's whole record: so many attempts that their worker lost, then one that ended it, which has
    failed only if it was told to."""
    events = [Event(name, 1, "status", "init", 0, 0.0)]

    def add(kind: str, status: str, attempt: int, **more: Any) -> None:
        events.append(Event(name, len(events) + 1, kind, status, attempt, float(len(events)), **more))

    effects = []
    for attempt in range(1, lost_attempts + 2):
        add("status", "processing", attempt)
        add("step", "processing", attempt)
        worker = OTHER_WORKER if attempt <= 2 else own_worker(name)
        effects.append(Effect(name, attempt, worker, None, float(len(events))))
        if attempt <= lost_attempts:
            add("status", "init", attempt)
    done, failed = end is Status.DONE, end is Status.FAIL
    add("step", "processing", lost_attempts + 1)
    add("status", end, lost_attempts + 1, sha256=SHA if done else None, failure="error" if failed else None)
    worker = WORKER if lost_attempts < 2 else own_worker(name)
    effects[-1] = replace(effects[-1], worker=worker, finished_at=float(len(events)))
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
        failures=int(failed),
        losses=lost_attempts,
    )
    return History(
        accepted=(Accepted(name, f"request-{name}"),),
        observed=tuple(Observed(name, event.version, event.status) for event in events[::2]),
        streams=(Stream("client", name, tuple(Told(event.version, event.status) for event in events)),),
        rows=(row,),
        events=tuple(events),
        published={name: tuple(Published(event.version, event.status) for event in events)},
        effects=tuple(effects),
        dead_letters=(DeadLetter("error", "report/0/1", name, f"letter-{name}"),) if failed else (),
        letters_on_topic=frozenset({f"letter-{name}"} if failed else ()),
        given_up={name: "error"} if failed else {},
        failing={name: ("error",)} if failed else {},
        files={key: SHA} if done else {},
        traces={name: trace()},
        expected={name: end},
        ended_by=1000.0,
    )


def own_worker(name: str) -> int:
    """In which a report runs alone."""
    return int.from_bytes(name.encode())


def trace() -> tuple[Span, ...]:
    names = ("POST /api/v1/reports", "report_request", "report_producer", "report_consumer", "handle_report")
    return tuple(Span(name, names[at - 1] if at else None, name, float(at)) for at, name in enumerate(names))


def together(*histories: History) -> History:
    merged: dict[str, Any] = {}
    for name in ("accepted", "observed", "streams", "rows", "events", "effects", "dead_letters"):
        merged[name] = tuple(item for history in histories for item in getattr(history, name))
    for name in ("published", "files", "traces", "expected", "given_up", "failing"):
        merged[name] = {key: value for history in histories for key, value in getattr(history, name).items()}
    letters = frozenset[str]().union(*(history.letters_on_topic for history in histories))
    return History(**merged, letters_on_topic=letters, ended_by=1000.0)


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


def both(*plans: Plan) -> Plan:
    def plant(history: History) -> History:
        for plan in plans:
            history = plan(history)
        return history

    return plant


def published(*versions: int, **statuses: str) -> Plan:
    """What the topic holds of r1; a status is another one than its event's where `v3="done"` says so."""
    named = {1: "init", 5: "done"} | {int(name[1:]): status for name, status in statuses.items()}
    told = tuple(Published(version, named.get(version, "processing")) for version in versions)
    return mapped("published", "r1", told)


def failed_once(history: History) -> History:
    """The lost attempts of r2 have failed in truth: a retry hides it."""
    history = both(*(event("r2", version, failure="timed_out") for version in (4, 7)))(history)
    return row("r2", failures=2, losses=0)(history)


def stopped(history: History) -> History:
    """r2's attempts were handed back by workers that were told to stop."""
    return replace(row("r2", losses=0, interruptions=2)(history), handed_back=frozenset({"r2"}))


twice_ended = both(
    more("events", Event("r1", 6, "status", "done", 1, 6.0, "cd" * 32)),
    row("r1", version=6),
    published(1, 2, 3, 4, 5, 6, v6="done"),
)


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
    (Harm.DISORDER, "attempts_miscounted", row("r1", attempt=2)),
    (Harm.DISORDER, "attempts_miscounted", row("r2", losses=1)),
    (Harm.DISORDER, "attempts_miscounted", row("r3", failures=0, interruptions=1)),
    (Harm.DISORDER, "attempts_miscounted", row("r2", losses=1, failures=1)),
    (Harm.DISORDER, "attempt_failed", failed_once),
    (Harm.DISORDER, "attempt_failed", mapped("failing", "r3", None)),
    (Harm.DISORDER, "attempt_failed", mapped("failing", "r3", ("slot_died",))),
    (Harm.DISORDER, "attempt_did_not_fail", mapped("failing", "r3", ("error", "error"))),
    (Harm.DISORDER, "attempt_did_not_fail", mapped("failing", "r1", ("slot_died",))),
    (
        Harm.DISORDER,
        "not_alone",
        more("effects", Effect("r1", 1, own_worker("r2"), 11.0, 9.0)),
    ),
    (Harm.STUCK, "not_handed_back", both(stopped, row("r2", losses=1, interruptions=1))),
    (Harm.STUCK, "not_handed_back", lambda history: replace(history, handed_back=frozenset({"r1"}))),
    (Harm.DOUBLED, "ended_twice", twice_ended),
    (Harm.DOUBLED, "two_artefacts", twice_ended),
    (Harm.LOST, "artefact_missing", row("r1", artefact=None)),
    (Harm.LOST, "artefact_missing", mapped("files", "reports/r1/1/effect.txt", None)),
    (Harm.LOST, "artefact_damaged", mapped("files", "reports/r1/1/effect.txt", "00" * 32)),
    (Harm.DOUBLED, "artefact_of_other_attempt", row("r2", attempt=2)),
    (Harm.LOST, "effect_missing", without("effects", report_id="r1")),
    (Harm.LOST, "effect_missing", without("effects", report_id="r2", attempt=3)),
    (
        Harm.LOST,
        "effect_missing",
        both(without("effects", report_id="r1"), more("effects", Effect("r1", 1, WORKER, None))),
    ),
    (Harm.DOUBLED, "effect_doubled", more("effects", Effect("r1", 1, OTHER_WORKER, 2.0))),
    (Harm.DOUBLED, "effect_doubled", more("effects", Effect("r2", 1, OTHER_WORKER, None))),
    (
        Harm.DOUBLED,
        "two_dead_letters",
        more("dead_letters", DeadLetter("error", "report/0/2", "r3")),
    ),
    (Harm.LOST, "dead_letter_missing", without("dead_letters", report_id="r3")),
    (Harm.DISORDER, "wrong_reason", mapped("given_up", "r3", "timed_out")),
    (Harm.LOST, "letter_not_published", lambda history: replace(history, letters_on_topic=frozenset())),
    (Harm.LOST, "unexpected_dead_letter", more("dead_letters", DeadLetter("error", "report/0/3", "r1"))),
    (Harm.LOST, "unexpected_dead_letter", more("dead_letters", DeadLetter("not_json", "report/0/4"))),
    (Harm.LOST, "unexpected_dead_letter", more("dead_letters", DeadLetter("error", "report/0/5", "before"))),
    (Harm.LOST, "message_not_kept", mapped("expected_dead_letters", "report/0/7", "not_json")),
    (Harm.LOST, "status_not_published", mapped("published", "r1", None)),
    (Harm.LOST, "status_not_published", published(1, 2, 3, 4)),
    (Harm.LOST, "status_not_published", published(1, 2, 4, 5)),
    (Harm.LOST, "status_not_published", published(5)),
    (Harm.DISORDER, "topic_out_of_order", published(1, 2, 4, 3, 5)),
    (Harm.DISORDER, "topic_out_of_order", published(1, 2, 3, 5, 4, 3)),
    (Harm.DISORDER, "topic_differs_from_row", published(1, 2, 3, 4, 5, 4)),
    (Harm.DISORDER, "topic_differs_from_event", published(1, 2, 3, 4, 5, v5="fail")),
    (Harm.DISORDER, "topic_differs_from_event", published(1, 2, 3, 4, 5, v3="init")),
    (Harm.DISORDER, "topic_differs_from_event", published(1, 2, 3, 4, 5, 6)),
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
    (
        Harm.DISORDER,
        "stream_differs_from_event",
        more("streams", Stream("other", "r1", tuple(Told(version, "init") for version in (1, 6)))),
    ),
    (Harm.STUCK, "stream_open", told(1, 2, 3, ended=False)),
    (Harm.DISORDER, "read_went_back", more("observed", Observed("r1", 1, "init"))),
    (Harm.DISORDER, "read_differs_from_event", more("observed", Observed("r1", 5, "fail"))),
    (Harm.DISORDER, "read_differs_from_event", more("observed", Observed("r1", 6, "done"))),
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
    history = replace(history, letters_on_topic=history.letters_on_topic | {"letter"})
    kept = DeadLetter("not_json", "report/0/7", key="letter")
    assert check(more("dead_letters", kept)(history)) == []
    assert [one.name for one in check(more("dead_letters", kept, kept)(history))] == ["two_dead_letters"]
    other = DeadLetter("null_value", "report/0/7", key="letter")
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


@pytest.mark.parametrize(
    "versions",
    [
        pytest.param((1, 1, 2, 3, 4, 5), id="a relay died before it had deleted them"),
        pytest.param((1, 2, 4, 3, 4, 5), id="one was refused, and those after it came again with it"),
        pytest.param((1, 2, 3, 4, 5, 3, 4, 5), id="two relays"),
        pytest.param((1, 2, 3, 4, 5, 2, 5), id="an old one, and the last told again"),
    ],
)
def test_what_is_told_at_least_once_may_be_told_again(versions: tuple[int, ...]) -> None:
    assert check(published(*versions)(fine)) == []


def test_a_fault_may_cause_failures_of_its_own_sort() -> None:
    history = failed_once(fine)
    assert check(replace(history, may_fail=frozenset({"timed_out"}))) == []
    assert {one.name for one in check(replace(history, may_fail=frozenset({"error"})))} == {"attempt_failed"}


def test_the_attempt_that_was_to_fail_may_have_been_lost() -> None:
    assert check(mapped("failing", "r2", ("slot_died",))(fine)) == []


class TestAlone:
    """r2 has lost two workers; its third attempt has its worker for itself, from 9.0 to its end at 11.0."""

    def judged(self, *effects: Effect, plan: Plan = lambda history: history) -> list[str]:
        return [one.name for one in suspects_run_alone(more("effects", *effects)(plan(fine)))]

    @pytest.mark.parametrize(
        ("started_at", "finished_at"),
        [
            pytest.param(8.0, 9.5, id="it had not ended"),
            pytest.param(9.5, 10.0, id="it was taken meanwhile"),
            pytest.param(9.5, None, id="it was taken meanwhile, and lost"),
        ],
    )
    def test_nothing_else_may_run_there(self, started_at: float, finished_at: float | None) -> None:
        assert self.judged(Effect("r3", 2, own_worker("r2"), finished_at, started_at)) == ["not_alone"]

    @pytest.mark.parametrize(
        ("worker", "started_at", "finished_at"),
        [
            pytest.param(own_worker("r2"), 7.0, 8.9, id="before"),
            pytest.param(own_worker("r2"), 11.1, 12.0, id="afterwards"),
            pytest.param(own_worker("r2"), 1.0, None, id="cut off before, as far as is known"),
            pytest.param(WORKER, 9.5, 10.0, id="in another worker"),
        ],
    )
    def test_others_may_run(self, worker: int, started_at: float, finished_at: float | None) -> None:
        assert self.judged(Effect("r3", 1, worker, finished_at, started_at)) == []

    def test_whoever_is_lost_with_it_ran_beside_it(self) -> None:
        third = Effect("r2", 3, own_worker("r2"), None, 9.0)
        other = Effect("r3", 2, own_worker("r2"), None, 3.0)
        lost = without("effects", report_id="r2", attempt=3)
        assert self.judged(third, other, plan=lost) == ["not_alone"]

    def test_two_may_share_its_first_worker(self) -> None:
        assert self.judged(Effect("r3", 1, OTHER_WORKER, 4.0, 2.0)) == []

    def test_a_failure_is_no_loss(self) -> None:
        other = Effect("r3", 1, own_worker("r2"), 10.0, 9.5)
        assert self.judged(other, plan=row("r2", losses=1, failures=1)) == []


def test_a_report_that_has_lost_too_many_attempts_did_not_fail() -> None:
    ended = event("r3", 5, failure="lost")
    given_up = both(mapped("failing", "r3", ("lost",)), mapped("given_up", "r3", "lost"))
    letter = DeadLetter("lost", "report/0/1", "r3", "letter-r3")
    history = both(ended, given_up, row("r3", failures=0, losses=1))(fine)
    assert check(replace(history, dead_letters=(letter,))) == []


def test_stopped_workers_lose_few_attempts() -> None:
    assert check(stopped(fine)) == []
    also_lost = row("r2", attempt=6, losses=1, interruptions=4)
    assert "not_handed_back" not in {one.name for one in check(also_lost(stopped(fine)))}


class TestLostSpans:
    """A span may be missing for a reason that is on record, and for no other."""

    orphans = trace()[:2] + trace()[3:]  # report_producer is gone
    headless = trace()[1:]
    consumer = Span("again", "of the sender", "report_consumer", 6.0)
    """Of a command that was sent when the attempt before was seen as lost: r2's at 3.0."""

    def judged(self, report_id: str, spans: tuple[Span, ...], *losses: SpanLoss) -> set[str]:
        history = mapped("traces", report_id, spans)(fine)
        return {one.name for one in check(replace(history, span_losses=losses))}

    def test_a_killed_worker_explains_the_spans_of_its_attempts(self) -> None:
        loss = SpanLoss(4.0, 5.0, "killed", OTHER_WORKER)
        assert self.judged("r2", trace()[:4], loss) == set()
        step = Span("step", "of the attempt", "effect:0", 4.0)
        assert self.judged("r2", (*trace()[:4], step), loss) == set()

    @pytest.mark.parametrize(
        ("report_id", "loss"),
        [
            pytest.param("r1", SpanLoss(0.0, 1.0, "killed", OTHER_WORKER + 1), id="another worker"),
            pytest.param("r2", SpanLoss(900.0, 901.0, "killed", OTHER_WORKER), id="long afterwards"),
        ],
    )
    def test_a_killed_worker_explains_no_other_attempts(self, report_id: str, loss: SpanLoss) -> None:
        step = Span("step", "of the attempt", "effect:0", 4.0)
        assert self.judged(report_id, (*trace()[:4], step), loss) == {"orphan_span", "span_missing"}

    @pytest.mark.parametrize("report_id", ["r1", "r2"])
    def test_a_killed_worker_does_not_explain_what_the_api_sends(self, report_id: str) -> None:
        loss = SpanLoss(1.0, 2.0, "killed", OTHER_WORKER)
        assert self.judged(report_id, self.headless, loss) == {"no_root", "orphan_span"}
        assert self.judged(report_id, self.orphans, loss) == {"orphan_span", "span_missing"}
        no_request = trace()[:1] + trace()[2:]
        assert self.judged(report_id, no_request, loss) == {"orphan_span", "span_missing"}

    def test_a_root_may_be_missing_when_the_api_was_hit(self) -> None:
        assert self.judged("r1", self.headless, SpanLoss(2.0, 3.0, "killed")) == set()
        assert self.judged("r1", self.headless, SpanLoss(6.0, 9.0, "killed")) == {"no_root", "orphan_span"}

    def test_whoever_sent_a_later_message_may_have_been_killed(self) -> None:
        spans = (*trace(), self.consumer)
        assert self.judged("r2", spans) == {"orphan_span"}
        assert self.judged("r2", spans, SpanLoss(6.0, 7.0, "killed", WORKER + 7)) == set()

    @pytest.mark.parametrize(
        ("report_id", "since"),
        [
            pytest.param("r2", 4.5, id="before it was sent"),
            pytest.param("r2", 8.5, id="long after it was sent"),
        ],
    )
    def test_no_other_death_explains_a_message(self, report_id: str, since: float) -> None:
        loss = SpanLoss(since, since + 1, "killed", WORKER + 7)
        assert self.judged(report_id, (*trace(), self.consumer), loss) == {"orphan_span"}

    def test_a_loss_explains_what_was_sent_then(self) -> None:
        assert self.judged("r1", self.orphans, SpanLoss(2.0, 3.0, "collector down")) == set()
        assert self.judged("r1", self.orphans, SpanLoss(50.0, 60.0, "collector down")) != set()

    def test_the_time_in_kafka_is_taken_off(self) -> None:
        late = replace(self.orphans[2], start=103.0, queue_seconds=100.0)
        spans = (*self.orphans[:2], late, self.orphans[3])
        assert self.judged("r1", spans, SpanLoss(2.0, 3.0, "killed")) == set()
        assert "orphan_span" in self.judged("r1", spans, SpanLoss(50.0, 51.0, "killed"))

    def test_a_message_that_another_process_published_lost_its_parent_before(self) -> None:
        swept = tuple(replace(span, start=span.start + 20) for span in trace()[2:])
        assert self.judged("r1", swept, SpanLoss(0.0, 1.0, "killed")) == set()


class TestLostTopic:
    """What was told before Kafka lost its data is not expected on the topic; what came after is."""

    def judged(self, lost_at: float, plan: Plan) -> list[str]:
        return [one.name for one in check(replace(plan(fine), topic_lost_at=lost_at))]

    def test_all_was_told_before(self) -> None:
        assert self.judged(4.5, mapped("published", "r1", None)) == []

    def test_an_old_one_was_told_again(self) -> None:
        assert self.judged(4.5, published(4)) == []

    def test_the_rest_was_told_after(self) -> None:
        assert self.judged(2.5, published(4, 5)) == []
        assert self.judged(2.5, published(3, 5)) == ["status_not_published"]
        assert self.judged(3.5, published(4)) == ["status_not_published"]
        assert self.judged(2.5, published(5, 4)) == ["topic_out_of_order"]

    def test_nothing_was_told_after(self) -> None:
        assert self.judged(3.5, mapped("published", "r1", None)) == ["status_not_published"]


def test_only_what_failed_as_it_was_told_to_counts_as_injected() -> None:
    failing = {"r1": ["slot_died"], "r2": ["slot_died"], "r3": ["error"]}
    assert count(failing, {"r3": ("error",)}, fine.rows) == (1, 1)  # r1 never failed, r2's worker was lost
    assert count(failing, {"r1": ("slot_died",), "r3": ("error",) * 2}, fine.rows) == (1, 1)
    assert count(failing, {name: tuple(told) for name, told in failing.items()}, fine.rows) == (3, 0)
