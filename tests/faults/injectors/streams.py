"""Status streams that are cut."""

import time

from tests.faults.checker import Harm, Violation
from tests.faults.patience import Patience
from tests.faults.rig import API
from tests.faults.run import Run
from tests.faults.streams import StreamClient

_EVERY_SECONDS = 2.0
_CUTS = 6
_REPORTS = 16
_THREADS = 32
"""Of each process of the API, beside those that streams occupy."""


def cut(run: Run) -> None:
    """Every 2 s all streams are reset (RST), while their reports run and wait for their turn."""
    clients = run.scale.stream_clients
    run.rig.reconfigure(API, WAYBILL_HTTP_THREADS=str(clients + _THREADS))
    load = run.load(
        threads=4,
        most_open=clients,
        most=min(_REPORTS, clients),
        parameters={"steps": 8, "step_ms": 300, "payload_bytes": 1},
    )
    run.finish(load)
    url = f"http://127.0.0.1:{run.rig.proxies.api.port}"
    ids = [accepted.report_id for accepted in load.accepted]
    followers = [
        StreamClient(url, f"client-{number}", ids[number % len(ids)]).start() for number in range(clients)
    ]
    patience = Patience(run.scale.ends_within)
    while not all(follower.ended for follower in followers):
        ended = run.ended()
        if patience.ends_at(ended) or (run.injected > _CUTS * clients and ended == len(ids)):
            break
        run.wait(_EVERY_SECONDS)
        run.inject(run.rig.proxies.api.cut())
    _finish(run, followers)


def _finish(run: Run, followers: list[StreamClient]) -> None:
    """What is still open by then, the checker calls stuck."""
    deadline = time.monotonic() + run.scale.ends_within
    run.streams += [follower.finish(deadline) for follower in followers]
    run.violations += [
        Violation(Harm.DISORDER, "stream_refused", f"{one.report_id} ({one.name})", one.problem)
        for one in followers
        if one.problem
    ]
