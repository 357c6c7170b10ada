"""Messages that come twice, in another order, again from the beginning, or that nobody can read."""

import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from uuid import UUID

from tests.faults import recording
from tests.faults.checker import Harm, Violation
from tests.faults.run import Run
from tests.support.kafka import Record

_TOPIC = "report"
_BATCH = 500
_GOOD_ONES = 10
_COPIES = 3
_LARGE_BYTES = 10_000_000
_GROUP, _REPLAYER = "report-worker", "report-worker-replaying"

Ended = Mapping[str, tuple[int, int]]
"""By report id: its version and attempt."""


def doubled_and_replayed(run: Run) -> None:
    """Each command of the run is sent three times more, shuffled, to any partition: those that are sent first
    before any worker has seen one, the others as soon as they are sent. Then a worker of another group reads
    the topic from offset 0."""
    with _stopped_workers(run):  # they are idle: no lease runs out, and what they get waits for them
        load = run.load(
            most_open=10_000,
            threads=4,
            most=run.scale.doubled_reports,
            parameters={"steps": 2, "step_ms": 50},
        )
        run.finish(load)
        doubling = _Doubling(run, {accepted.report_id.encode() for accepted in load.accepted})
        run.expect_count(doubling.go_on, 1, "no command is on the topic")
        if recording.count_ended(run.rig, run.name):
            raise RuntimeError("the copies came after the first reports had ended")
    # The others come as there is room for them.
    run.expect_count(doubling.go_on, doubling.wanted, "a report has no command on the topic")
    topics = run.rig.topics
    run.wanted = doubling.sent + topics.lag(_TOPIC, _REPLAYER)
    run.inject(doubling.sent)
    run.expect_count(run.ended, run.accepted(), "the reports do not end")
    before = _ended_reports(run)
    _replay(run)
    if not run.wait_for_count(lambda: -topics.lag(_TOPIC, _GROUP), 0):
        run.violations.append(Violation(Harm.STUCK, "not_delivered", _GROUP, "it does not read to the end"))
    run.violations += compare(before, _ended_reports(run))


@contextmanager
def _stopped_workers(run: Run) -> Iterator[None]:
    stack = run.rig.stack
    for name in run.rig.workers:
        stack.kill(name, signal.SIGSTOP)
    try:
        yield
    finally:
        for name in run.rig.workers:
            stack.kill(name, signal.SIGCONT)


class _Doubling:
    """Sends three copies of the first command of each report, once it is on the topic."""

    def __init__(self, run: Run, ids: set[bytes]) -> None:
        self._run = run
        self._missing = set(ids)
        self.wanted = _COPIES * len(ids)
        self.sent = 0

    def go_on(self) -> int:
        """Of those that are there now; how many copies were sent so far."""
        topics = self._run.rig.topics
        firsts = {one.key: one for one in topics.records(_TOPIC) if one.key in self._missing}
        partitions = topics.partitions(_TOPIC)
        copies = [
            replace(one, partition=self._run.random.choice(partitions))
            for one in firsts.values()
            for _ in range(_COPIES)
        ]
        self._run.random.shuffle(copies)
        topics.send(_TOPIC, *copies)
        self._missing -= firsts.keys()
        self.sent += len(copies)
        return self.sent


def _replay(run: Run) -> None:
    """Every command that was ever sent, to a worker that has seen none."""
    stack, topics = run.rig.stack, run.rig.topics
    count = topics.lag(_TOPIC, _REPLAYER)
    stack.add_worker(_REPLAYER, **run.rig.settings(), WAYBILL_KAFKA_GROUP=_REPLAYER)
    try:
        if run.wait_for_count(lambda: -topics.lag(_TOPIC, _REPLAYER), 0):
            run.inject(count)
        else:
            run.violations.append(
                Violation(Harm.STUCK, "not_replayed", _REPLAYER, "it does not read to the end")
            )
    finally:
        stack.stop_part(_REPLAYER)


def _ended_reports(run: Run) -> Ended:
    """Of every fault so far."""
    rows = run.rig.rows("SELECT id, version, attempt FROM reports WHERE finished_at IS NOT NULL")
    return {str(row["id"]): (row["version"], row["attempt"]) for row in rows}


def compare(before: Ended, after: Ended) -> list[Violation]:
    """A report that has ended is as it was, whoever is told to produce it again."""
    return [
        Violation(Harm.DOUBLED, "ended_report_changed", report_id, _change(was, after.get(report_id)))
        for report_id, was in before.items()
        if after.get(report_id) != was
    ]


def _change(was: tuple[int, int], now: tuple[int, int] | None) -> str:
    is_now = f"v{now[0]} of attempt {now[1]}" if now else "ended no more"
    return f"it was v{was[0]} of attempt {was[1]}, it is {is_now}"


def poison(run: Run) -> None:
    """Messages of every unreadable sort among good ones: each is kept with its reason, and the partition
    goes on."""
    load = run.load(threads=2, pause=0.1, parameters={"steps": 1, "step_ms": 20})
    run.wanted = run.scale.poison_messages
    run.expect_count(run.accepted, _GOOD_ONES, "nothing is accepted")
    _send_large(run)
    sorts = list(_SORTS.items())
    while run.injected < run.wanted:
        count = min(_BATCH, run.wanted - run.injected)
        chosen = [run.random.choice(sorts) for _ in range(count)]
        records = [make(run.random) for _, (_, make) in chosen]
        _send(run, records, [reason for _, (reason, _) in chosen])

    def kept() -> int:
        return int(run.rig.rows("SELECT count(*) FROM dead_letters WHERE report_id IS NULL")[0]["count"])

    run.expect_count(kept, run.injected, "not every message is kept")
    run.expect_count(run.accepted, run.accepted() + _GOOD_ONES, "nothing is accepted any more")
    load.stop()  # and the partitions go on: these reports end too


def _send_large(run: Run) -> None:
    """As somebody can who has let the topic take them."""
    count = run.scale.large_messages
    run.rig.topics.take_messages_of(_TOPIC, _LARGE_BYTES + 10_000)
    _send(run, [Record(b"\xff" * _LARGE_BYTES)] * count, ["not_json"] * count)


def _send(run: Run, records: Sequence[Record], reasons: Sequence[str]) -> None:
    """Each must be kept with its reason."""
    keyed = [
        replace(one, key=f"poison-{at}".encode(), headers=_headers(run.random))
        for at, one in enumerate(records)
    ]
    stored = run.rig.topics.send(_TOPIC, *keyed)
    for record in stored:
        number = int((record.key or b"").decode().removeprefix("poison-"))
        run.expected_dead_letters[f"{_TOPIC}/{record.partition}/{record.offset}"] = reasons[number]
    run.inject(len(stored))


def _headers(random: Random) -> tuple[tuple[str, bytes | None], ...]:
    """None, or some of the wrong sort: they cost the trace and nothing else."""
    return random.choice(
        (
            (),
            (("traceparent", b"\xff\xfe"),),
            (("traceparent", None),),
            (("traceparent", b"00-zz-zz-zz"), ("tracestate", b"\x00")),
        )
    )


def _bytes(random: Random) -> Record:
    return Record(b"\xff" + random.randbytes(random.randrange(200)))


def _truncated(random: Random) -> Record:
    whole = json.dumps(_command(random))
    return Record(whole[: random.randrange(1, len(whole))].encode())


def _command(random: Random) -> dict[str, object]:
    return {"schema_version": 1, "report_id": str(UUID(int=random.getrandbits(128))), "kind": "effect"}


def _newer(random: Random) -> Record:
    return Record(json.dumps({**_command(random), "schema_version": random.randrange(2, 99)}).encode())


def _nobodys(random: Random) -> Record:
    return Record(json.dumps(_command(random)).encode())


def _always(value: bytes | None) -> Callable[[Random], Record]:
    return lambda _: Record(value)


_SORTS: dict[str, tuple[str, Callable[[Random], Record]]] = {
    "random bytes": ("not_json", _bytes),
    "truncated": ("not_json", _truncated),
    "null": ("null_value", _always(None)),
    "a list": ("not_an_object", _always(b"[1, 2]")),
    "newer": ("unknown_schema_version", _newer),
    "no id": ("wrong_field", _always(b'{"schema_version": 1, "kind": "effect"}')),
    "nobody's": ("no_such_report", _nobodys),
}
