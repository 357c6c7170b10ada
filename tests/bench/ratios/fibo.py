"""Ten reports that only compute, one after the other: how much of the time is the computing."""

import time
from collections.abc import Mapping
from statistics import median

from tests.bench import artefacts, backlog, clients
from tests.bench.results import Ratio
from tests.bench.rig import API, WORKER, Options, Rig, started
from tests.bench.rounds import Bench

_REPORTS = 10
_WARM = 2
_PATIENCE_SECONDS = 120.0
_FOLLOWED, _QUEUED = "each when the one before has ended", "all at once, for one slot"


def measure(bench: Bench) -> list[Ratio]:
    body = {"kind": "fibo", "parameters": {"n": bench.scale.fibo}}
    with started(bench.directory / "stack", bench.say, Options.make(worker={"WAYBILL_SLOTS": "1"})) as rig:
        sides = {_FOLLOWED: lambda: _followed(rig, body), _QUEUED: lambda: _queued(rig, body)}
        followed, queued = [], []
        for one in bench.interleave(sides):
            followed.append(one.values[_FOLLOWED])
            queued.append(one.values[_QUEUED])
    unit = f"of the time, fibo({bench.scale.fibo})"
    return [
        bench.figure("fibo_share", followed, {_FOLLOWED: median(followed)}, unit),
        bench.figure("fibo_share_queued", queued, {_QUEUED: median(queued)}, unit),
    ]


def _begin(rig: Rig, body: Mapping[str, object]) -> None:
    """From nothing, but for the first reports of a new worker."""
    backlog.empty(rig)
    rig.stack.start_part(API)
    rig.start_worker(WORKER, {})
    clients.request(rig.api_url, body, _WARM, 1)
    artefacts.wait_for(rig.artefacts, _WARM, _PATIENCE_SECONDS)
    time.sleep(1)


def _followed(rig: Rig, body: Mapping[str, object]) -> float:
    """From the first request until the client knows of the last end, by the status stream."""
    _begin(rig, body)
    client = clients.Client(rig.api_url)
    began = time.time()
    for _ in range(_REPORTS):
        client.follow(client.post(clients.REPORTS, body)["id"])
    seconds = time.time() - began
    return _work(rig) / seconds


def _queued(rig: Rig, body: Mapping[str, object]) -> float:
    """From the first request until the last job's end."""
    _begin(rig, body)
    began = time.time()
    clients.request(rig.api_url, body, _REPORTS, 1)
    artefacts.wait_for(rig.artefacts, _WARM + _REPORTS, _PATIENCE_SECONDS)
    last = artefacts.read_all(rig.artefacts)[-1]
    return _work(rig) / (last.began + last.seconds - began)


def _work(rig: Rig) -> float:
    """Seconds of the reports but those at the start."""
    return sum(work.seconds for work in artefacts.read_all(rig.artefacts)[_WARM:])
