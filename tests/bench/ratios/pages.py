"""How long the server takes for a page, beside the same data as JSON."""

import time
from collections.abc import Sequence
from functools import partial
from statistics import quantiles

import httpx

from tests.bench import artefacts, clients
from tests.bench.ratios import draining
from tests.bench.results import Ratio
from tests.bench.rig import Options, Rig, started
from tests.bench.rounds import Bench

_REPORTS = 200
_ASKED = 100
_PAGE, _JSON = "page", "JSON"
_LISTS = {
    "list": ("/reports", ("/api/v1/reports",)),
    "kinds": ("/kinds", ("/api/v1/kinds",)),
    "letters": ("/dead-letters", ("/api/v1/dead-letters",)),
}


def measure(bench: Bench) -> list[Ratio]:
    found = []
    with started(bench.directory / "stack", bench.say, Options.make()) as rig:
        clients.request(rig.api_url, draining.NOOP, _REPORTS, 4)
        artefacts.wait_for(rig.artefacts, _REPORTS, draining.PATIENCE_SECONDS)
        for name, (page, data) in {**_LISTS, "report": _report(rig)}.items():
            sides = {
                f"{name}, {_PAGE}": partial(_p95_ms, rig, (page,)),
                f"{name}, {_JSON}": partial(_p95_ms, rig, data),
            }
            rounds = bench.interleave(sides)
            ours, theirs = sides
            found.append(bench.ratio(f"pages_{name}", rounds, ours, theirs, "ms"))
    return found


def _report(rig: Rig) -> tuple[str, tuple[str, ...]]:
    """The page of the newest, and what it shows."""
    with httpx.Client(base_url=rig.api_url, trust_env=False) as client:
        report_id = client.get("/api/v1/reports", params={"limit": 1}).json()["reports"][0]["id"]
    of = f"/api/v1/reports/{report_id}"
    return f"/reports/{report_id}", (of, f"{of}/trace", f"{of}/logs", f"{of}/events")


def _p95_ms(rig: Rig, addresses: Sequence[str]) -> float:
    """Of asking for all of these, one after the other."""
    with httpx.Client(base_url=rig.api_url, trust_env=False, headers={"Accept": "text/html, */*"}) as client:
        taken = [_milliseconds(client, addresses) for _ in range(_ASKED)]
    return quantiles(taken, n=20)[-1]


def _milliseconds(client: httpx.Client, addresses: Sequence[str]) -> float:
    began = time.perf_counter()
    for address in addresses:
        client.get(address).raise_for_status()
    return 1000 * (time.perf_counter() - began)
