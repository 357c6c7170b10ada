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

from tests.faults.history import Effect, Event, History, Observed, Row, Span, SpanLoss, Stream
from waybill.domain import TERMINAL, TRANSITIONS, Status

Item = TypeVar("Item")

_EXPORT_SECONDS = 5.0
"""A span is sent out at most so long after its end; the batch's delay is a part of that."""

_CONSUMER = "report_consumer"
"""Its parent is the span of whoever sent the message."""
_TRACE_OF_A_REPORT = ("report_request", "report_producer", _CONSUMER, "handle_report")


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


# --- one life for each report


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
    rows = {row.report_id for row in history.rows}
    for letter in history.dead_letters:
        if letter.report_id is None:
            expected, subject = letter.source in history.expected_dead_letters, letter.source
        else:
            expected, subject = letter.report_id in history.given_up, letter.report_id
        if not expected and (letter.report_id is None or letter.report_id in rows):
            yield Violation(Harm.LOST, "unexpected_dead_letter", subject, letter.reason)


def given_up_reports_have_a_dead_letter(history: History) -> Iterator[Violation]:
    """Whoever wants to try again what has used up its attempts finds it there."""
    kept = {letter.report_id for letter in history.dead_letters}
    for report_id in history.given_up - kept:
        yield Violation(Harm.LOST, "dead_letter_missing", report_id, "given up, and no dead letter")


# --- what others are told


def topic_ends_as_the_row(history: History) -> Iterator[Violation]:
    """The last value of each key on the status topic is the row, once the report has ended."""
    for row in history.rows:
        if Status(row.status) not in TERMINAL:
            continue
        last = history.published.get(row.report_id)
        if last is None:
            if not _lost_with_the_topic(row, history.topic_lost_at):
                yield Violation(Harm.LOST, "status_not_published", row.report_id, "no message on the topic")
        elif last.version < row.version:
            if not _lost_with_the_topic(row, history.topic_lost_at):
                detail = f"the topic ends at v{last.version}, the row is at v{row.version}"
                yield Violation(Harm.LOST, "status_not_published", row.report_id, detail)
        elif (last.version, last.status) != (row.version, row.status):
            detail = f"topic v{last.version} {last.status}, row v{row.version} {row.status}"
            yield Violation(Harm.DISORDER, "topic_differs_from_row", row.report_id, detail)


def _lost_with_the_topic(row: Row, lost_at: float | None) -> bool:
    return lost_at is not None and row.finished_at is not None and row.finished_at < lost_at


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
            if known.get((stream.report_id, told.version), told.status) != told.status:
                detail = f"v{told.version} told as {told.status}"
                yield Violation(Harm.DISORDER, "stream_differs_from_event", stream.report_id, detail)


def _statuses(history: History) -> dict[tuple[str, int], str]:
    """By report and version."""
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
            if known.get((report_id, read.version), read.status) != read.status:
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
            yield from _trace(row, spans, _Losses(history.span_losses, workers, _life(row)))


Period = tuple[float, float]


@dataclass(frozen=True)
class _Losses:
    """The reasons on record, for one report: `workers` are those that ran it, in `life`."""

    losses: Sequence[SpanLoss]
    workers: set[int]
    life: Period

    def explain(self, period: Period) -> bool:
        """Whether spans that ended in the period may be missing; a worker's, if it died in the life."""
        return any(
            _overlap((loss.since, loss.until), period if loss.worker is None else self.life)
            for loss in self.losses
            if loss.worker is None or loss.worker in self.workers
        )

    def explain_sending(self, at: float) -> bool:
        """Whether the span of a message that was sent then may be missing; any process sends, as what it has
        reaped."""
        return any(_overlap((loss.since, loss.until), (at - 1, at + _EXPORT_SECONDS)) for loss in self.losses)


def _overlap(one: Period, other: Period) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _life(row: Row) -> Period:
    """In which its spans are sent out."""
    return row.created_at - 1, (row.finished_at or row.created_at) + _EXPORT_SECONDS


def _trace(row: Row, spans: Sequence[Span], losses: _Losses) -> Iterator[Violation]:
    accepted = (row.created_at - 1, row.created_at + _EXPORT_SECONDS)
    known = {span.span_id for span in spans}
    for span in spans:
        if span.parent_id is None or span.parent_id in known:
            continue
        # The parent ended between the request and the child's beginning, or soon after: not in Kafka's time.
        sent = span.start - span.queue_seconds
        explained = losses.explain((row.created_at - 1, sent + _EXPORT_SECONDS))
        if not explained and not (span.name == _CONSUMER and losses.explain_sending(sent)):
            yield Violation(Harm.TRACE, "orphan_span", row.report_id, f"the parent of {span.name} is missing")
    roots = [span for span in spans if span.parent_id is None]
    if len(roots) > 1:
        yield Violation(Harm.TRACE, "several_roots", row.report_id, ", ".join(span.name for span in roots))
    if not roots and not losses.explain(accepted):
        yield Violation(Harm.TRACE, "no_root", row.report_id, f"{len(spans)} spans, none of them a root")
    missing = set(_TRACE_OF_A_REPORT) - {span.name for span in spans}
    if missing and not losses.explain(losses.life):
        yield Violation(Harm.TRACE, "span_missing", row.report_id, ", ".join(sorted(missing)))


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
    reports_end_once,
    done_reports_have_their_artefact,
    artefacts_are_never_replaced,
    effects_count_once,
    dead_letters_are_kept_once,
    given_up_reports_have_a_dead_letter,
    nothing_else_is_a_dead_letter,
    topic_ends_as_the_row,
    outbox_is_empty,
    streams_tell_each_version_once,
    reads_never_go_back,
    traces_are_connected,
)
