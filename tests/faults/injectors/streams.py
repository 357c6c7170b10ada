"""Status streams that are cut."""

import time

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
    load.join()
    url = f"http://127.0.0.1:{run.rig.proxies.api.port}"
    ids = [accepted.report_id for accepted in load.accepted]
    followers = [
        StreamClient(url, f"client-{number}", ids[number % len(ids)]).start() for number in range(clients)
    ]
    while not all(follower.ended for follower in followers):
        if run.injected > _CUTS * clients and run.ended() == len(ids):
            break
        run.wait(_EVERY_SECONDS)
        run.inject(run.rig.proxies.api.cut())
    deadline = time.monotonic() + run.scale.ends_within
    run.streams += [follower.finish(deadline) for follower in followers]
