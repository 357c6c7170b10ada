"""A backlog of one-step reports, drained with two slots: beside each peer, and the floor."""

from collections.abc import Callable
from functools import partial

from tests.bench import artefacts
from tests.bench.peers import environment
from tests.bench.peers.catalog import PEERS, Peer
from tests.bench.peers.running import Peers, beside
from tests.bench.ratios import draining
from tests.bench.ratios.draining import WAYBILL
from tests.bench.results import Ratio
from tests.bench.rig import Options, started
from tests.bench.rounds import Bench

UNIT = "jobs/s"


def measure(bench: Bench) -> list[Ratio]:
    peers = {name: PEERS[name] for name in bench.peers or PEERS}
    redis = any(peer.redis for peer in peers.values())
    if redis:
        environment.redis_server()  # before anything is started
    with (
        started(bench.directory / "stack", bench.say, Options.make()) as rig,
        beside(rig, bench.directory / "peers", redis=redis) as others,
    ):
        sides: dict[str, Callable[[], float]] = {WAYBILL: partial(draining.rate, rig, bench.scale.drained)}
        sides |= {
            peer.title: partial(_rate, others, peer, bench.scale.peers_drained) for peer in peers.values()
        }
        rounds = bench.interleave(sides)
    return [bench.ratio(f"drain_{name}", rounds, WAYBILL, peer.title, UNIT) for name, peer in peers.items()]


def _rate(others: Peers, peer: Peer, number: int) -> float:
    others.prepare(peer, number)
    return artefacts.per_second(others.drain(peer, number))
