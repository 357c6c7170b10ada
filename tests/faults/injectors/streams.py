"""Status streams that are cut."""

import time

from tests.faults.checker import Harm, Violation
from tests.faults.patience import Patience
from tests.faults.rig import API
from tests.faults.run import Run
from tests.faults.streams import StreamClient

_EVERY_SECONDS = 2.0
_CUTS = 1
"""Of each client's stream, on average: 500 that come back at once take a small machine longer than 2 s."""
_REPORTS, _CLIENTS_OF_EACH = 16, 8
"""As many reports as it takes for the streams to be cut often enough."""
_THREADS = 32
"""Of each process of the API, beside those of its streams: twice as many as there are clients, since one that
was cut goes on until it tells something and finds nobody there."""
_HEARTBEAT_SECONDS = 1


def cut(run: Run) -> None:
    """Every 2 s all streams are reset (RST), while their reports run and wait for their turn."""
    clients = run.scale.stream_clients
    run.wanted = _CUTS * clients
    run.rig.reconfigure(
        API,
        WAYBILL_HTTP_THREADS=str(2 * clients + _THREADS),
        WAYBILL_STREAM_HEARTBEAT_SECONDS=str(_HEARTBEAT_SECONDS),
    )
    load = run.load(
        threads=4,
        most_open=clients,
        most=min(max(_REPORTS, clients // _CLIENTS_OF_EACH), clients),
        parameters={"steps": 8, "step_ms": 300, "payload_bytes": 1},
    )
    run.finish(load)
    load.close()
    url = f"http://127.0.0.1:{run.rig.proxies.api.port}"
    ids = [accepted.report_id for accepted in load.accepted]
    followers = [
        StreamClient(url, f"client-{number}", ids[number % len(ids)], run.rig.reader).start()
        for number in range(clients)
    ]
    patience = Patience(run.scale.ends_within)
    while not all(follower.ended for follower in followers):
        ended = run.ended()
        if patience.ends_at(ended) or (run.injected >= run.wanted and ended == len(ids)):
            break
        run.wait(_EVERY_SECONDS)
        listening = sum(follower.listening for follower in followers)
        run.rig.proxies.api.cut()
        run.inject(listening)
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
