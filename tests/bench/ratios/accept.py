"""How many requests are accepted in a second: by Waybill's API, and by a bare traced Flask route."""

from functools import partial
from pathlib import Path

from tests.bench import backlog, clients
from tests.bench.peers.running import FlaskRoutes, beside
from tests.bench.ratios.draining import NOOP, WAYBILL
from tests.bench.results import Ratio
from tests.bench.rig import API, Options, Rig, started
from tests.bench.rounds import Bench

CLIENTS = 8
_WARM = 200
BARE = "bare route"


def measure(bench: Bench) -> list[Ratio]:
    directory: Path = bench.directory
    with (
        started(directory / "stack", bench.say, Options.make()) as rig,
        beside(rig, directory / "peers", redis=False) as others,
    ):
        backlog.empty(rig)
        sides = {
            WAYBILL: partial(_waybill, rig, bench.scale.accept_seconds),
            BARE: partial(_bare, FlaskRoutes(others, rig.stack.ports["flask"]), bench.scale.accept_seconds),
        }
        rounds = bench.interleave(sides)
    return [bench.ratio("accept_bare", rounds, WAYBILL, BARE, "requests/s")]


def _waybill(rig: Rig, seconds: float) -> float:
    """No worker runs, but the relay does: publishing is a part of the API's work."""
    rig.stack.start_part(API)
    try:
        clients.request(rig.api_url, NOOP, _WARM, CLIENTS)
        return clients.accepted_per_second(rig.api_url, clients.REPORTS, NOOP, CLIENTS, seconds)
    finally:
        backlog.empty(rig)


def _bare(routes: FlaskRoutes, seconds: float) -> float:
    with routes.serving() as url:
        clients.run(url, "/insert", NOOP, CLIENTS, most=_WARM)
        return clients.accepted_per_second(url, "/insert", NOOP, CLIENTS, seconds)
