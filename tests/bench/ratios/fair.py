"""A backlog of many tenants and owners, beside one of a single owner; and the same with limits."""

from functools import partial

from tests.bench import artefacts, backlog
from tests.bench.ratios import draining
from tests.bench.results import Ratio
from tests.bench.rig import API, Options, Rig, started
from tests.bench.rounds import Bench

TENANTS, OWNERS = 50, 10
"""Owners of each tenant."""
_MANY, _ONE, _LIMITED = "many owners", "one owner", "many owners with limits"

_SPREAD = """
UPDATE reports SET
    tenant = 'tenant-' || mod(place, {tenants}), owner = 'owner-' || mod(div(place, {tenants}), {owners})
FROM (SELECT id AS named, row_number() OVER (ORDER BY id) AS place FROM reports) AS placed
WHERE id = named AND status = 'init'
"""
_LIMIT = """
INSERT INTO limits (level, tenant, owner, weight, max_running)
VALUES ('tenant', '', '', NULL, 1000), ('tenant', 'tenant-0', '', 2, NULL)
"""
"""None that keeps a slot from its work: what is compared is what it costs to look."""


def measure(bench: Bench) -> list[Ratio]:
    with started(bench.directory / "stack", bench.say, Options.make()) as rig:
        rate = partial(_rate, rig, bench.scale.drained)
        rounds = bench.interleave(
            {
                _MANY: partial(rate, TENANTS, OWNERS),
                _ONE: partial(rate, 1, 1),
                _LIMITED: partial(rate, TENANTS, OWNERS, limited=True),
            }
        )
    return [
        bench.ratio("fair_drain", rounds, _MANY, _ONE, "reports/s"),
        bench.ratio("fair_limits", rounds, _LIMITED, _ONE, "reports/s"),
    ]


def _rate(rig: Rig, number: int, tenants: int, owners: int, *, limited: bool = False) -> float:
    """Each side is spread, were it over one owner: what an update leaves behind is on all of them."""
    rig.run("DELETE FROM limits")
    draining.prepare(rig, number)
    rig.run(_SPREAD.format(tenants=tenants, owners=owners))
    if limited:
        rig.run(_LIMIT)
    rig.run("ANALYZE reports")
    works = draining.drain(rig, number)
    backlog.stop(rig, API)
    return artefacts.per_second(works, artefacts.SKIPPED)
