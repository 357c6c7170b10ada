"""Judges a history: a pure function from what happened to what must not have.

Each check states one promise. A violation has the class of the harm: a report or its result `lost`, taken
twice (`doubled`), never ending (`stuck`), told out of order (`disorder`), or not to be followed (`trace`).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from tests.faults.history import Effect, Event, History, Observed, Row, Span, SpanLoss, Stream, failures
from waybill.domain import TERMINAL, TRANSITIONS, Status
from waybill.telemetry.names import SPINE

Item = TypeVar("Item")

_EXPORT_SECONDS = 5.0
"""A span is sent out at most so long after its end; the batch's delay is a part of that."""
_SENDER_SECONDS = 2.0
"""The same for whoever has sent a message, on top of what a `SpanLoss` allows for; short, since any worker's
death in that time explains a hole."""
_ROUNDED_SECONDS = 0.1
"""Kafka's times are milliseconds, and two clocks are read."""
_MOST_LOST = 1 / 4
"""Of the attempts that stopped workers gave up: a machine that stands still for a lease loses some too."""

_MAX_SHARED_LOSSES = 2
"""From this number on, a report runs alone: docs/operations.md."""
_LOST = "lost"
"""What an event tells of a report that has lost too many attempts: of none of them that it failed."""

_, _REQUEST, _PRODUCER, _CONSUMER, _ATTEMPT = SPINE


class Harm(StrEnum):
    """What a violation means for whoever asked for the report."""

    LOST = "lost"
    DOUBLED = "doubled"
    STUCK = "stuck"
    DISORDER = "disorder"
    TRACE = "trace"


@dataclass(frozen=True)
class Violation:
    """One broken promise. `subject` is a report's id, or what else it is about."""

    harm: Harm
    name: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.harm}: {self.name} {self.subject}: {self.detail}"


Check = Callable[[History], Iterator[Violation]]


def check(history: History) -> list[Violation]:
    """Every violation in the history, in the order of the checks."""
    return [violation for one in CHECKS for violation in one(history)]


# --- accepted means kept, and ends


def accepted_reports_are_kept(history: History) -> Iterator[Violation]:
    """Each 202 has a row, and a request that was repeated has one row, not two."""
    kept = {row.report_id for row in history.rows}
    for accepted in history.accepted:
        if accepted.report_id not in kept:
            yield Violation(Harm.LOST, "accepted_not_kept", accepted.report_id, "a 202, but no row")
    rows = Counter(row.request for row in history.rows)
    for request, count in rows.items():
        if count > 1:
            yield Violation(Harm.DOUBLED, "request_kept_twice", request, f"{count} reports for one request")


def every_report_ends(history: History) -> Iterator[Violation]:
    """In a terminal status, in the one that its job leads to, and in time."""
    for row in history.rows:
        if Status(row.status) not in TERMINAL:
            yield Violation(Harm.STUCK, "not_ended", row.report_id, f"is at {row.status}, v{row.version}")
        elif row.status != history.expected.get(row.report_id, row.status):
            expected = history.expected[row.report_id]
            yield Violation(Harm.LOST, "ended_wrong", row.report_id, f"{row.status}, not {expected}")
        elif row.finished_at is not None and row.finished_at > history.ended_by:
            late = row.finished_at - history.ended_by
            yield Violation(Harm.STUCK, "ended_late", row.report_id, f"{late:.1f} s after the bound")


# --- the lifecycle of each report


def versions_have_no_gap(history: History) -> Iterator[Violation]:
    """A report's events are numbered 1, 2, 3 …, and the last one is the row."""
    for row, events in _lives(history):
        versions = [event.version for event in events]
        repeated = [version for version, count in Counter(versions).items() if count > 1]
        if repeated:
            yield Violation(Harm.DOUBLED, "event_repeated", row.report_id, f"versions {repeated}")
        missing = sorted(set(range(1, row.version + 1)) - set(versions))
        if missing:
            yield Violation(Harm.LOST, "event_missing", row.report_id, f"versions {missing}")
        last = events[-1] if events else None
        if last and (last.version, last.status) != (row.version, row.status):
            yield Violation(
                Harm.DISORDER,
                "row_differs_from_events",
                row.report_id,
                f"row v{row.version} {row.status}, event v{last.version} {last.status}",
            )


def transitions_are_legal(history: History) -> Iterator[Violation]:
    """From `init` on, only along the domain's transitions; out of an end never, as nobody redrives."""
    for row, events in _lives(history):
        if events and events[0].status != Status.INIT:
            yield Violation(Harm.DISORDER, "wrong_beginning", row.report_id, f"begins as {events[0].status}")
        for before, after in pairwise(events):
            if not _is_legal(before, after):
                change = f"v{after.version} {after.type}: {before.status} → {after.status}"
                yield Violation(Harm.DISORDER, "illegal_transition", row.report_id, change)


def _is_legal(before: Event, after: Event) -> bool:
    was, becomes = Status(before.status), Status(after.status)
    if after.type == "step":
        return was == becomes == Status.PROCESSING
    if was in TERMINAL:
        return False
    return becomes in TRANSITIONS[was]


def attempts_count_up(history: History) -> Iterator[Violation]:
    """A claim is the next attempt; until the next claim nothing is written by another one."""
    for row, events in _lives(history):
        for before, after in pairwise(events):
            claimed = after.type == "status" and after.status == Status.PROCESSING
            expected = before.attempt + claimed
            if after.attempt != expected:
                detail = f"v{after.version} is of attempt {after.attempt}, not {expected}"
                yield Violation(Harm.DISORDER, "wrong_attempt", row.report_id, detail)


def attempts_are_accounted_for(history: History) -> Iterator[Violation]:
    """Each attempt has ended the report, failed, was lost or handed back; and each failure was told."""
    for row, events in _lives(history):
        counted = row.failures + row.losses + row.interruptions
        ended = {Status.DONE: {1}, Status.FAIL: {0}, Status.CANCELLED: {0, 1}}.get(Status(row.status))
        if ended is not None and row.attempt - counted not in ended:
            detail = (
                f"{row.attempt} attempts, {counted} of them failed, lost or handed back, then {row.status}"
            )
            yield Violation(Harm.DISORDER, "attempts_miscounted", row.report_id, detail)
        told = sum(event.failure not in (None, _LOST) for event in events)
        if row.failures != told:
            detail = f"{row.failures} failures, {told} were told"
            yield Violation(Harm.DISORDER, "attempts_miscounted", row.report_id, detail)


def attempts_fail_as_told(history: History) -> Iterator[Violation]:
    """A retry hides what has failed; so every failure is one that the job was told to have, or that the fault
    may cause. One that should be there may have been lost with its attempt."""
    found = failures(history.events)
    for row in history.rows:
        failed, told = Counter(found.get(row.report_id, ())), Counter(history.failing.get(row.report_id, ()))
        more = {
            failure: count for failure, count in (failed - told).items() if failure not in history.may_fail
        }
        if more:
            yield Violation(Harm.DISORDER, "attempt_failed", row.report_id, _counts(more))
        if (missing := told - failed) and not row.losses:
            yield Violation(Harm.DISORDER, "attempt_did_not_fail", row.report_id, _counts(missing))


def _counts(of: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in of.items())


def suspects_run_alone(history: History) -> Iterator[Violation]:
    """A report that has lost two workers may be the cause: it has its next worker for itself, so that no
    other report loses an attempt to it."""
    rows = {row.report_id: row for row in history.rows}
    ends = _ends_of_attempts(history.events)
    by_worker = _by(history.effects, lambda effect: str(effect.worker))
    for suspect in history.effects:
        row = rows.get(suspect.report_id)
        if row is None or _losses_before(suspect, row) < _MAX_SHARED_LOSSES:
            continue
        for other in by_worker[str(suspect.worker)]:
            if other.report_id != suspect.report_id and _ran_at_once(suspect, other, ends):
                detail = (
                    f"attempt {other.attempt} ran beside attempt {suspect.attempt} of {suspect.report_id}"
                )
                yield Violation(Harm.DISORDER, "not_alone", other.report_id, detail)


def _losses_before(effect: Effect, row: Row) -> int:
    """At least."""
    return effect.attempt - 1 - row.failures - row.interruptions


def _ends_of_attempts(events: Iterable[Event]) -> dict[tuple[str, int], float]:
    """When each attempt was over, for whatever reason."""
    return {
        (event.report_id, event.attempt): event.at
        for event in events
        if event.type == "status" and event.status != Status.PROCESSING
    }


def _ran_at_once(suspect: Effect, other: Effect, ends: Mapping[tuple[str, int], float]) -> bool:
    """In one worker. An attempt that was cut off is seen as over a little later than it is: so one that began
    before the suspect's and has no end is not judged, unless the suspect's has none either."""

    def until(effect: Effect) -> float:
        return effect.finished_at or ends.get((effect.report_id, effect.attempt), float("inf"))

    if (
        other.finished_at is None
        and suspect.finished_at is not None
        and other.started_at < suspect.started_at
    ):
        return False
    return other.started_at < until(suspect) and suspect.started_at < until(other)


def stopped_workers_hand_back(history: History) -> Iterator[Violation]:
    """Who is told to stop in the middle of a job hands it back, and leaves nothing to the lease."""
    rows = [row for row in history.rows if row.report_id in history.handed_back]
    back, lost = sum(row.interruptions for row in rows), sum(row.losses for row in rows)
    if rows and (not back or lost > _MOST_LOST * (back + lost)):
        subject = ", ".join(row.report_id for row in rows if row.losses) or "all"
        detail = f"{back} attempts were handed back, {lost} lost"
        yield Violation(Harm.STUCK, "not_handed_back", subject, detail)


def reports_end_once(history: History) -> Iterator[Violation]:
    """One terminal status for a report."""
    for row, events in _lives(history):
        ends = [event for event in events if event.type == "status" and Status(event.status) in TERMINAL]
        if len(ends) > 1:
            told = ", ".join(f"v{event.version} {event.status}" for event in ends)
            yield Violation(Harm.DOUBLED, "ended_twice", row.report_id, told)


# --- one result for each report


def done_reports_have_their_artefact(history: History) -> Iterator[Violation]:
    """The row points to a file that is there and whole, made by the attempt that ended the report."""
    for row in history.rows:
        if row.artefact is None:
            if row.status == Status.DONE:
                yield Violation(Harm.LOST, "artefact_missing", row.report_id, "done, and points to no file")
            continue
        key, found = row.artefact.key, history.files.get(row.artefact.key)
        if found is None:
            yield Violation(Harm.LOST, "artefact_missing", row.report_id, f"no file {key}")
        elif found != row.artefact.sha256:
            yield Violation(Harm.LOST, "artefact_damaged", row.report_id, f"{key} has another checksum")
        if f"/{row.attempt}/" not in key:
            detail = f"attempt {row.attempt} ended it, its file is {key}"
            yield Violation(Harm.DOUBLED, "artefact_of_other_attempt", row.report_id, detail)


def artefacts_are_never_replaced(history: History) -> Iterator[Violation]:
    """All events of a report name the same artefact, or none."""
    for row, events in _lives(history):
        named = {event.sha256 for event in events if event.sha256}
        if row.artefact:
            named.add(row.artefact.sha256)
        if len(named) > 1:
            yield Violation(Harm.DOUBLED, "two_artefacts", row.report_id, f"{len(named)} different ones")


def effects_count_once(history: History) -> Iterator[Violation]:
    """A done report has the effect of the attempt that ended it, whole, and no attempt was run twice.

    Attempts that were lost may have begun theirs: that is at-least-once, and not counted.
    """
    runs = Counter((effect.report_id, effect.attempt) for effect in history.effects)
    for (report_id, attempt), count in runs.items():
        if count > 1:
            yield Violation(Harm.DOUBLED, "effect_doubled", report_id, f"attempt {attempt}: {count} effects")
    effects = _by(history.effects, _effect_report)
    for row in history.rows:
        if row.status != Status.DONE:
            continue
        of_attempt = [one for one in effects[row.report_id] if one.attempt == row.attempt]
        finished = [one for one in of_attempt if one.finished_at is not None]
        if not finished:
            yield Violation(Harm.LOST, "effect_missing", row.report_id, f"none of attempt {row.attempt}")


def _effect_report(effect: Effect) -> str:
    return effect.report_id


def dead_letters_are_kept_once(history: History) -> Iterator[Violation]:
    """One for a report that used up its attempts, one for each unreadable message, with its reason."""
    of_reports = Counter(letter.report_id for letter in history.dead_letters if letter.report_id)
    for report_id, count in of_reports.items():
        if count > 1:
            yield Violation(Harm.DOUBLED, "two_dead_letters", report_id, f"{count} of them")
    by_source = _by(history.dead_letters, lambda letter: letter.source)
    for source, reason in history.expected_dead_letters.items():
        letters = by_source[source]
        if not letters:
            yield Violation(Harm.LOST, "message_not_kept", source, f"unreadable ({reason}), no dead letter")
        elif len(letters) > 1:
            yield Violation(Harm.DOUBLED, "two_dead_letters", source, f"{len(letters)} of one message")
        elif letters[0].reason != reason:
            detail = f"kept as {letters[0].reason}, not {reason}"
            yield Violation(Harm.DISORDER, "wrong_reason", source, detail)


def nothing_else_is_a_dead_letter(history: History) -> Iterator[Violation]:
    """Only what was made unreadable, and what was made to use up its attempts."""
    for letter in history.dead_letters:
        if letter.report_id is None:
            expected, subject = letter.source in history.expected_dead_letters, letter.source
        else:
            expected, subject = letter.report_id in history.given_up, letter.report_id
        if not expected:
            yield Violation(Harm.LOST, "unexpected_dead_letter", subject, letter.reason)


def given_up_reports_have_a_dead_letter(history: History) -> Iterator[Violation]:
    """Whoever wants to try again what has used up its attempts finds it there."""
    kept = {letter.report_id for letter in history.dead_letters}
    for report_id in history.given_up.keys() - kept:
        yield Violation(Harm.LOST, "dead_letter_missing", report_id, "given up, and no dead letter")
    for letter in history.dead_letters:
        reason = history.given_up.get(letter.report_id or "", letter.reason)
        if letter.reason != reason:
            detail = f"kept as {letter.reason}, not {reason}"
            yield Violation(Harm.DISORDER, "wrong_reason", letter.report_id or "", detail)


# --- what others are told


def topic_tells_every_change(history: History) -> Iterator[Violation]:
    """At least once and in order: 1, 2, 3 … come one after the other, whatever comes again in between, and
    the last is the row. What Kafka has lost with all its data is not told again."""
    known = _statuses(history)
    lost_at = history.topic_lost_at
    for row, events in _lives(history):
        told = history.published.get(row.report_id, ())
        for one in told:
            if known.get((row.report_id, one.version)) != one.status:
                detail = f"v{one.version} published as {one.status}"
                yield Violation(Harm.DISORDER, "topic_differs_from_event", row.report_id, detail)
        if Status(row.status) not in TERMINAL:
            continue
        wanted = sorted({event.version for event in events if lost_at is None or event.at > lost_at})
        versions = [one.version for one in told]
        if missing := sorted(set(wanted) - set(versions)):
            yield Violation(Harm.LOST, "status_not_published", row.report_id, f"versions {missing}")
        elif not _are_within(wanted, versions):
            yield Violation(Harm.DISORDER, "topic_out_of_order", row.report_id, f"versions {versions}")
        elif wanted and versions[-1] != row.version:
            detail = f"the topic ends at v{versions[-1]}, the row is at v{row.version}"
            yield Violation(Harm.DISORDER, "topic_differs_from_row", row.report_id, detail)


def _are_within(wanted: Sequence[int], found: Sequence[int]) -> bool:
    """Whether they come in this order, with others in between."""
    rest = iter(found)
    return all(one in rest for one in wanted)


def letters_are_published(history: History) -> Iterator[Violation]:
    """Whoever watches the topic of the dead letters sees each."""
    for letter in history.dead_letters:
        if letter.key not in history.letters_on_topic:
            subject = letter.report_id or letter.source
            yield Violation(Harm.LOST, "letter_not_published", subject, f"kept as {letter.reason}")


def outbox_is_empty(history: History) -> Iterator[Violation]:
    """Whatever was announced has been published."""
    for key, count in Counter(history.outbox).items():
        yield Violation(Harm.STUCK, "outbox_not_empty", key, f"{count} messages wait")


def streams_tell_each_version_once(history: History) -> Iterator[Violation]:
    """However often a stream was cut, its client saw 1, 2, 3 … to the report's end."""
    rows = {row.report_id: row for row in history.rows}
    known = _statuses(history)
    for stream in history.streams:
        yield from _stream(stream, rows.get(stream.report_id))
        for told in stream.told:
            if known.get((stream.report_id, told.version)) != told.status:
                detail = f"v{told.version} told as {told.status}"
                yield Violation(Harm.DISORDER, "stream_differs_from_event", stream.report_id, detail)


def _statuses(history: History) -> dict[tuple[str, int], str]:
    """By report and version. The events are read when nobody asks any more, so none is too late for them."""
    return {(event.report_id, event.version): event.status for event in history.events}


def _stream(stream: Stream, row: Row | None) -> Iterator[Violation]:
    subject = f"{stream.report_id} ({stream.client})"
    versions = [told.version for told in stream.told]
    repeated = [version for version, count in Counter(versions).items() if count > 1]
    if repeated:
        yield Violation(Harm.DOUBLED, "stream_repeats", subject, f"versions {repeated}")
    if versions != sorted(versions):
        yield Violation(Harm.DISORDER, "stream_out_of_order", subject, f"versions {versions}")
    last = row.version if row else max(versions, default=0)
    missing = sorted(set(range(1, last + 1)) - set(versions))
    if missing and stream.ended:
        yield Violation(Harm.LOST, "stream_gap", subject, f"versions {missing} were not told")
    if not stream.ended:
        yield Violation(Harm.STUCK, "stream_open", subject, f"still open after v{max(versions, default=0)}")


def reads_never_go_back(history: History) -> Iterator[Violation]:
    """Who reads a report twice never reads an older version the second time, nor one that never was."""
    known = _statuses(history)
    for report_id, reads in _by(history.observed, _read_report).items():
        for before, after in pairwise(reads):
            if after.version < before.version:
                detail = f"v{before.version}, then v{after.version}"
                yield Violation(Harm.DISORDER, "read_went_back", report_id, detail)
        for read in reads:
            if known.get((report_id, read.version)) != read.status:
                detail = f"v{read.version} read as {read.status}"
                yield Violation(Harm.DISORDER, "read_differs_from_event", report_id, detail)


def _read_report(read: Observed) -> str:
    return read.report_id


# --- the trace


def traces_are_connected(history: History) -> Iterator[Violation]:
    """One trace for a report: one root, every parent there, and no part missing, unless a reason for the
    missing spans is on record: their process was killed, or nobody received them."""
    rows = {row.report_id: row for row in history.rows}
    effects = _by(history.effects, _effect_report)
    for report_id, spans in history.traces.items():
        row = rows.get(report_id)
        if row is not None and Status(row.status) in TERMINAL:
            workers = {effect.worker for effect in effects[report_id]}
            yield from _trace(row, spans, _Losses(history.span_losses, workers, row))


Period = tuple[float, float]


@dataclass(frozen=True)
class _Losses:
    """The reasons on record, for the trace of `row`: `workers` are those that ran it."""

    losses: Sequence[SpanLoss]
    workers: set[int]
    row: Row

    def explain_root(self) -> bool:
        """What the API ends when it has accepted a report: no worker's death explains its loss."""
        accepted = self.row.created_at
        return self._struck_all((accepted - 1, accepted + _EXPORT_SECONDS))

    def explain_parent(self, span: Span) -> bool:
        """Whether the span's parent may be missing."""
        # It ended between the request and the child's beginning, or soon after: not in Kafka's time.
        sent = span.start - span.queue_seconds
        if span.name in (_REQUEST, _PRODUCER):
            return self.explain_root()
        if self._struck_all((self.row.created_at - 1, sent + _EXPORT_SECONDS)):
            return True
        if span.name == _CONSUMER:
            return self._struck_a_sender(sent)
        return self._struck_its_worker()

    def explain_missing(self, name: str, spans: Sequence[Span]) -> bool:
        """Whether there may be no span of this name at all among those of the trace."""
        if name == _REQUEST:
            return self.explain_root()
        if name == _PRODUCER and any(self.explain_parent(span) for span in spans if span.name == _CONSUMER):
            return True
        return self._struck_all(self._life) or (name != _PRODUCER and self._struck_its_worker())

    @property
    def _life(self) -> Period:
        """In which its spans are sent out."""
        return self.row.created_at - 1, (self.row.finished_at or self.row.created_at) + _EXPORT_SECONDS

    def _struck_all(self, period: Period) -> bool:
        """The API or the collector; who was struck is not known."""
        return any(loss.worker is None and _overlap(loss, period) for loss in self.losses)

    def _struck_its_worker(self) -> bool:
        return any(loss.worker in self.workers and _overlap(loss, self._life) for loss in self.losses)

    def _struck_a_sender(self, at: float) -> bool:
        """Any worker sends commands, as claims make room; and none can send when it is dead."""
        return any(_overlap(loss, (at - _ROUNDED_SECONDS, at + _SENDER_SECONDS)) for loss in self.losses)


def _overlap(loss: SpanLoss, period: Period) -> bool:
    return loss.since <= period[1] and period[0] <= loss.until


def _trace(row: Row, spans: Sequence[Span], losses: _Losses) -> Iterator[Violation]:
    known = {span.span_id for span in spans}
    for span in spans:
        if span.parent_id is not None and span.parent_id not in known and not losses.explain_parent(span):
            yield Violation(Harm.TRACE, "orphan_span", row.report_id, f"the parent of {span.name} is missing")
    roots = [span for span in spans if span.parent_id is None]
    if len(roots) > 1:
        yield Violation(Harm.TRACE, "several_roots", row.report_id, ", ".join(span.name for span in roots))
    if not roots and not losses.explain_root():
        yield Violation(Harm.TRACE, "no_root", row.report_id, f"{len(spans)} spans, none of them a root")
    missing = {_REQUEST, _PRODUCER, _CONSUMER, _ATTEMPT} - {span.name for span in spans}
    if unexplained := sorted(name for name in missing if not losses.explain_missing(name, spans)):
        yield Violation(Harm.TRACE, "span_missing", row.report_id, ", ".join(unexplained))


# --- helpers


def _lives(history: History) -> Iterator[tuple[Row, list[Event]]]:
    """Each row with its events in the order of their versions."""
    events = _by(history.events, lambda event: event.report_id)
    for row in history.rows:
        yield row, sorted(events[row.report_id], key=lambda event: event.version)


def _by(items: Iterable[Item], key: Callable[[Item], str]) -> Mapping[str, list[Item]]:
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


CHECKS: tuple[Check, ...] = (
    accepted_reports_are_kept,
    every_report_ends,
    versions_have_no_gap,
    transitions_are_legal,
    attempts_count_up,
    attempts_are_accounted_for,
    attempts_fail_as_told,
    suspects_run_alone,
    stopped_workers_hand_back,
    reports_end_once,
    done_reports_have_their_artefact,
    artefacts_are_never_replaced,
    effects_count_once,
    dead_letters_are_kept_once,
    given_up_reports_have_a_dead_letter,
    nothing_else_is_a_dead_letter,
    topic_tells_every_change,
    letters_are_published,
    outbox_is_empty,
    streams_tell_each_version_once,
    reads_never_go_back,
    traces_are_connected,
)
