"""One fault's run: what its injector does to the rig, what is recorded of it, and what came of it."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from statistics import median
from typing import Any

import httpx
import psycopg

from local.errors import PartFailedError
from tests.faults import recording
from tests.faults.checker import Harm, Violation, check
from tests.faults.history import History, Row, Span, SpanLoss, Stream
from tests.faults.hits import Hit, follow
from tests.faults.load import LAST_ANSWER_SECONDS, Load
from tests.faults.patience import Patience
from tests.faults.rig import Rig
from tests.faults.sabotage import read_kills
from tests.faults.scale import Scale

_POLL_SECONDS = 0.1
_COUNT_SECONDS = 0.25
_OUTBOX_SECONDS = 30.0
_EXPORT_SECONDS = 1.5
"""After the last span's end: the batches of process, collector and Jaeger."""
_LATE_TRACE_SECONDS = 20.0


@dataclass(frozen=True)
class Outcome:
    """What came of one fault."""

    name: str
    injected: int
    reports: int
    started_again: int
    """Effects that were begun a second time, after the first attempt at them was lost."""
    violations: tuple[Violation, ...]
    recoveries: tuple[float, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    def count(self, harm: Harm) -> int:
        """How many reports, or other subjects, were harmed so."""
        return len({violation.subject for violation in self.violations if violation.harm is harm})

    @property
    def recovery_p50(self) -> float | None:
        return round(median(self.recoveries), 2) if self.recoveries else None

    @property
    def recovery_max(self) -> float | None:
        return round(max(self.recoveries), 2) if self.recoveries else None


@dataclass
class Run:
    """What an injector works with."""

    name: str
    rig: Rig
    scale: Scale
    random: Random
    say: Callable[[str], None]
    """Tells whoever watches what goes on; called often."""

    injected: int = 0
    wanted: int = 0
    """How many injections there will be, for whoever watches."""
    loads: list[Load] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    span_losses: list[SpanLoss] = field(default_factory=list)
    expected_dead_letters: dict[str, str] = field(default_factory=dict)
    topic_lost_at: float | None = None
    failing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By load: the types of the failures with which the attempts at each of its reports must end."""
    may_fail: set[str] = field(default_factory=set)
    """Types of failures with which any attempt may end."""
    hands_back: bool = False
    """Whether what is hit must be handed back, and not be left to its lease."""
    traced_first: set[str] = field(default_factory=set)
    """Ids of reports whose traces are read whatever happens."""
    accepting: bool = True
    """Whether every request must be accepted at its first try."""
    violations: list[Violation] = field(default_factory=list)
    """What the injector itself has seen go wrong."""
    notes: list[str] = field(default_factory=list)
    _counted: tuple[float, int] = (0.0, 0)
    _began: float = field(default_factory=time.monotonic)
    _began_at: float = field(default_factory=recording.now)

    # --- for injectors

    def load(self, most_open: int | Callable[[], float] = 12, **options: Any) -> Load:
        """Clients that request reports from now on, while fewer than `most_open` of them, which may change,
        have not ended: see `Load`."""
        limit = most_open if callable(most_open) else lambda: most_open
        url = self.rig.stack.endpoints.api_url
        name = f"{self.name}-{len(self.loads)}"
        rig = self.rig
        load = Load(
            url,
            self.name,
            name,
            is_full=lambda: self._open() >= limit(),
            clients=rig.clients,
            reader=rig.reader,
            **options,
        )
        self.loads.append(load.start())
        return load

    def finish(self, load: Load) -> None:
        """Waits until all that the load is for has been answered; raises `RuntimeError` where it is not."""
        self.expect_count(lambda: load.answered, load.most or 0, "not every request is answered")

    def inject(self, count: int = 1) -> None:
        """A fault has struck."""
        self.injected += count
        self.tell()

    def strike(self, worker: str) -> int:
        """Notes which attempts are running in a worker, just before something happens to it: how many."""
        rows = self.rig.rows(
            "SELECT id, attempt FROM reports WHERE status = 'processing' AND lease_owner LIKE %s",
            self.rig.owner(worker),
        )
        now = recording.now()
        self.hits += [Hit(str(row["id"]), row["attempt"], now) for row in rows]
        return len(rows)

    def lose_spans(self, reason: str, since: float, until: float, worker: int | None = None) -> None:
        """A reason on record why spans are missing."""
        self.span_losses.append(SpanLoss(since, until, reason, worker))

    def ended(self) -> int:
        """As of a moment ago."""
        at, count = self._counted
        if time.monotonic() - at > _COUNT_SECONDS:
            with contextlib.suppress(psycopg.OperationalError):  # it is down, as it should be
                count = recording.count_ended(self.rig, self.name)
            self._counted = (time.monotonic(), count)
        return count

    def _open(self) -> int:
        return self.accepted() - self.ended()

    def accepted(self) -> int:
        return sum(len(load.accepted) for load in self.loads)

    def wait(self, seconds: float) -> None:
        """Lets things go on, and tells of it."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.tell()
            time.sleep(min(left, 0.5))

    def wait_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Whether it held within the time."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                return False
            self.tell()
            time.sleep(_POLL_SECONDS)
        return True

    def expect(self, holds: Callable[[], bool], seconds: float, otherwise: str) -> None:
        """Waits until it holds; raises `RuntimeError` where it does not within the time."""
        if not self.wait_until(holds, seconds):
            raise RuntimeError(otherwise)

    def wait_for_count(self, count: Callable[[], int], wanted: int) -> bool:
        """Whether it came to so many; gives up when it has not grown for the scale's time."""
        patience = Patience(self.scale.ends_within)
        while (now := count()) < wanted:
            if patience.ends_at(now):
                return False
            self.wait(_COUNT_SECONDS)
        return True

    def expect_count(self, count: Callable[[], int], wanted: int, otherwise: str) -> None:
        """As `wait_for_count`; raises `RuntimeError` where it gives up."""
        if not self.wait_for_count(count, wanted):
            raise RuntimeError(otherwise)

    def expect_growth(self, count: Callable[[], int], act: Callable[[], object], otherwise: str) -> None:
        """Acts, and waits until the count has grown by it; raises `RuntimeError` where it does not."""
        before = count()
        act()
        self.expect(lambda: count() > before, self.scale.ends_within, otherwise)

    def recover(self, since: float, seconds: float) -> None:
        """Waits for the first report that ends after `since`, the end of an outage, and notes how long it
        took."""
        statement = (
            "SELECT min(e.at) AS at FROM report_events e JOIN reports r ON r.id = e.report_id"
            " WHERE r.parameters->>'fault' = %s AND e.at > to_timestamp(%s) AND e.data->>'status' = 'done'"
        )

        def first() -> float | None:
            at = self.rig.rows(statement, self.name, since)[0]["at"]
            return at.timestamp() if at else None

        if self.wait_until(lambda: first() is not None, seconds):
            self.recoveries.append((first() or since) - since)
        else:
            self.violations.append(
                Violation(Harm.STUCK, "no_recovery", self.name, f"nothing has ended {seconds:g} s later")
            )

    def tell(self) -> None:
        wanted = f"/{self.wanted}" if self.wanted else ""
        self.say(f"{self.injected}{wanted} injected, {self.ended()}/{self.accepted()} reports ended")

    def failing_reports(self) -> dict[str, tuple[str, ...]]:
        """`failing`, by report id."""
        return {
            one.report_id: self.failing[load.name]
            for load in self.loads
            if load.name in self.failing
            for one in load.accepted
        }

    # --- its end

    def close(self) -> None:
        """Nobody requests anything any more."""
        for load in self.loads:
            load.close()
        if not self.wait_until(lambda: all(load.is_over for load in self.loads), LAST_ANSWER_SECONDS):
            self.violations.append(Violation(Harm.STUCK, "request_hangs", self.name, "it has no answer"))

    def judge(self) -> Outcome:
        """Waits until all has ended, or should have, records what happened, and has it judged."""
        bound = self._wait_for_the_last()
        outbox = self._wait_for_the_outbox()
        self._look_for_the_dead()
        self._look_for_shortfalls()
        history = self._history(bound, outbox)
        self.violations += [*self._refusals(), *check(self._with_late_traces(history))]
        self._follow_hits(history)
        started_again = len(history.effects) - len({effect.report_id for effect in history.effects})
        return self.outcome(len(history.rows), started_again)

    def outcome(self, reports: int = 0, started_again: int = 0) -> Outcome:
        """With what is known by now."""
        return Outcome(
            name=self.name,
            injected=self.injected,
            reports=reports,
            started_again=started_again,
            violations=tuple(self.violations),
            recoveries=tuple(self.recoveries),
            seconds=time.monotonic() - self._began,
            notes=tuple(self.notes),
        )

    def _wait_for_the_last(self) -> float:
        """Waits while reports end, and gives up when none has for the scale's time: so a slow machine is no
        breach, and a report that stays behind is. By when they had to end, on the clock."""
        left = recording.count_open(self.rig, self.name)
        bound = recording.now() + self.scale.ends_within
        while left and recording.now() < bound:
            self.tell()
            time.sleep(_POLL_SECONDS)
            if (now_left := recording.count_open(self.rig, self.name)) < left:
                left, bound = now_left, recording.now() + self.scale.ends_within
        return bound

    def _wait_for_the_outbox(self) -> tuple[str, ...]:
        """What is left in it in the end."""
        deadline = time.monotonic() + _OUTBOX_SECONDS
        while (left := recording.outbox(self.rig)) and time.monotonic() < deadline:
            self.tell()
            time.sleep(_POLL_SECONDS)
        return left

    def _look_for_shortfalls(self) -> None:
        """Less than there was to be proves less than it says."""
        if self.injected < self.wanted and not any(one.name == "not_injected" for one in self.violations):
            detail = f"{self.injected} times, not {self.wanted}"
            self.violations.append(Violation(Harm.STUCK, "not_injected", self.name, detail))
        for load in self.loads:
            if load.falls_short:
                detail = f"{len(load.accepted)} accepted, not {load.most or 'one'}"
                self.violations.append(Violation(Harm.STUCK, "too_few_accepted", load.name, detail))
            for error in load.died:
                self.violations.append(Violation(Harm.STUCK, "client_died", load.name, error))

    def _look_for_the_dead(self) -> None:
        """A process that ended by itself is a breach, whatever became of the reports."""
        try:
            self.rig.stack.check()
        except PartFailedError as error:
            self.violations.append(Violation(Harm.STUCK, "process_died", self.name, str(error)))

    def _history(self, bound: float, outbox: tuple[str, ...]) -> History:
        rig, records = self.rig, recording.records(self.rig, self.name)
        rows = records.rows
        ids = {row.report_id for row in rows}
        letters = recording.dead_letters(rig, self._began_at)
        time.sleep(_EXPORT_SECONDS)
        return History(
            accepted=tuple(one for load in self.loads for one in load.accepted),
            observed=tuple(one for load in self.loads for one in load.observed),
            streams=tuple(self.streams),
            rows=rows,
            events=records.events,
            published=recording.published(rig.topics, ids),
            topic_lost_at=self.topic_lost_at,
            outbox=outbox,
            effects=records.effects,
            dead_letters=letters,
            letters_on_topic=recording.letters_on_topic(rig.topics, letters),
            expected_dead_letters=self.expected_dead_letters,
            given_up={
                one.report_id: self.failing[load.name][-1]
                for load in self.loads
                if load.given_up
                for one in load.accepted
            },
            failing=self.failing_reports(),
            may_fail=frozenset(self.may_fail),
            handed_back=frozenset(hit.report_id for hit in self.hits if self.hands_back),
            files=recording.files(rig.disk.folder, (row.artefact.key for row in rows if row.artefact)),
            traces=self._traces(self._to_be_traced(rows)),
            span_losses=(*self.span_losses, *self._killed()),
            expected={one.report_id: load.expected for load in self.loads for one in load.accepted},
            ended_by=bound,
        )

    def _to_be_traced(self, rows: tuple[Row, ...]) -> list[Row]:
        """Those that the fault struck first, then some at random."""
        first = self.traced_first | {hit.report_id for hit in self.hits}
        ordered = sorted(rows, key=lambda row: (row.report_id not in first, self.random.random()))
        return ordered[: self.scale.traces]

    def _traces(self, rows: list[Row]) -> dict[str, tuple[Span, ...]]:
        url = self.rig.stack.endpoints.jaeger_url
        return {row.report_id: recording.trace(url, row.trace_id) if row.trace_id else () for row in rows}

    def _with_late_traces(self, history: History) -> History:
        """Spans come when they come: an incomplete trace is read again for a while."""
        deadline = time.monotonic() + _LATE_TRACE_SECONDS
        by_id = {row.report_id: row for row in history.rows}
        while True:
            broken = {one.subject for one in check(history) if one.harm is Harm.TRACE}
            if not broken or time.monotonic() > deadline:
                return history
            time.sleep(1)
            again = self._traces([by_id[report_id] for report_id in broken])
            history = replace(history, traces={**history.traces, **again})

    def _killed(self) -> list[SpanLoss]:
        """Processes that killed themselves lose what they had not sent out yet."""
        return [SpanLoss(kill.at - 3, kill.at + 1, "killed") for kill in read_kills(self.rig.tokens)]

    def _refusals(self) -> list[Violation]:
        """Requests that found nobody; a retry is a failure only where the fault is not the API's own."""
        found = [
            Violation(Harm.LOST, "request_refused", self.name, text)
            for load in self.loads
            for text in load.refused
        ]
        found += [
            Violation(Harm.DISORDER, "request_failed", self.name, text)
            for load in self.loads
            for text in load.failed
        ]
        found += [
            Violation(Harm.LOST, "accepted_not_read", self.name, f"{status} for {text}")
            for load in self.loads
            for status, text in load.misread
            if self.accepting or status != httpx.codes.SERVICE_UNAVAILABLE
        ]
        retries = sum(load.retries for load in self.loads)
        slowest = max((load.slowest for load in self.loads), default=0.0)
        self.notes.append(f"{retries} requests tried again, slowest accepted {slowest * 1000:.0f} ms")
        if self.accepting and retries:
            found.append(
                Violation(Harm.DISORDER, "request_tried_again", self.name, f"{retries} requests failed once")
            )
        return found

    def _follow_hits(self, history: History) -> None:
        """What became of the attempts that were hit; and how long the slowest report took in all."""
        after = follow(self.hits, history.events)
        self.recoveries += after.recoveries
        self.violations += after.violations
        took = [row.finished_at - row.created_at for row in history.rows if row.finished_at]
        self.notes += [*after.notes, f"slowest report {max(took, default=0.0):.1f} s"]
