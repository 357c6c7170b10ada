"""Messages that come twice, in another order, again from the beginning, or that nobody can read."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from uuid import UUID

from tests.faults.checker import Harm, Violation
from tests.faults.run import Run
from tests.support.kafka import Record

_TOPIC = "report"
_BATCH = 500
_GOOD_ONES = 10
_LARGE_BYTES = 10_000_000
_REPLAYER = "report-worker-replaying"


def doubled_and_replayed(run: Run) -> None:
    """Each command of the run is sent three times more, shuffled, to any partition, while most of the first
    still wait; then a worker of another group reads the topic from offset 0."""
    load = run.load(
        most_open=10_000, threads=4, most=run.scale.doubled_reports, parameters={"steps": 2, "step_ms": 50}
    )
    load.join()
    ids = {accepted.report_id.encode() for accepted in load.accepted}

    def commands() -> list[Record]:
        return [one for one in run.rig.topics.records(_TOPIC) if one.key in ids]

    if not run.wait_for_count(lambda: len({one.key for one in commands()}), len(ids)):
        raise RuntimeError("not every command is on the topic")
    partitions = run.rig.topics.partitions(_TOPIC)
    copies = [replace(one, partition=run.random.choice(partitions)) for one in commands() for _ in range(3)]
    run.random.shuffle(copies)
    run.rig.topics.send(_TOPIC, *copies)
    run.inject(len(copies))
    run.wait_for_count(run.ended, run.accepted())
    run.rig.stack.add_worker(_REPLAYER, **run.rig.settings(), WAYBILL_KAFKA_GROUP=_REPLAYER)
    all_messages = len(run.rig.topics.records(_TOPIC))
    if run.wait_for_count(lambda: all_messages - run.rig.topics.lag(_TOPIC, _REPLAYER), all_messages):
        run.inject(all_messages)
    else:
        run.violations.append(Violation(Harm.STUCK, "not_replayed", _REPLAYER, "it does not read to the end"))
    run.rig.stack.stop_part(_REPLAYER)


def poison(run: Run) -> None:
    """Messages of every unreadable sort among good ones: each is kept with its reason, and the partition
    goes on."""
    load = run.load(threads=2, pause=0.1, parameters={"steps": 1, "step_ms": 20})
    run.wait_until(lambda: run.accepted() >= _GOOD_ONES, run.scale.ends_within)
    _send_large(run)
    sorts = list(_SORTS.items())
    while run.injected < run.scale.poison_messages:
        count = min(_BATCH, run.scale.poison_messages - run.injected)
        chosen = [run.random.choice(sorts) for _ in range(count)]
        records = [make(run.random) for _, (_, make) in chosen]
        _send(run, records, [reason for _, (reason, _) in chosen])

    def kept() -> int:
        return int(run.rig.rows("SELECT count(*) FROM dead_letters WHERE report_id IS NULL")[0]["count"])

    run.wait_for_count(kept, run.injected)
    more = run.accepted() + _GOOD_ONES  # the partitions go on
    run.wait_until(lambda: run.accepted() >= more, run.scale.ends_within)
    load.stop()


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
