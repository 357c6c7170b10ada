"""What the environment asks of the benchmark. What it cannot ask ends the program, with what it can."""

import os
import secrets
import sys
from collections.abc import Collection

from tests.bench.scale import MEDIUM, SCALES, Scale

USAGE = """\
make bench                          counts for one report, and every ratio, on a medium scale: an hour
make bench BENCH=quick              counts alone, in at most three minutes; fails if one is above its bound
make bench BENCH=full               the figures of the table in docs/performance.md: hours
make bench BENCH=smoke              whether the benchmark itself works; its figures mean nothing

  BENCH_ONLY=drain,accept           these parts alone: {parts}
  BENCH_PEERS=celery,floor          these peers alone, in the part drain: {peers}
  BENCH_SEED=7                      the order within the rounds

It starts the real stack on loopback, apart from any other, and stops it. build/bench.json has what this run
measured. The figures of medium and full runs are kept in build/bench-results.json until they are measured
again; docs/performance.md is written from these.
"""
HELP = ("help", "--help", "-h")


def wants_help(arguments: Collection[str]) -> bool:
    return os.environ.get("BENCH") in HELP or any(one in HELP for one in arguments)


def seed() -> int:
    """`BENCH_SEED`, by which the order within the rounds is chosen; one of many where it is not said."""
    asked = os.environ.get("BENCH_SEED")
    if not asked:
        return secrets.randbelow(10**6)
    if not asked.isdecimal():
        sys.exit(f"BENCH_SEED={asked}: a seed is a whole number, as 7.")
    return int(asked)


def scale() -> Scale:
    """`BENCH`: how much is measured."""
    name = os.environ.get("BENCH") or MEDIUM.name
    if name not in SCALES:
        sys.exit(f"BENCH={name}: it is one of {', '.join(SCALES)}, or help.")
    return SCALES[name]


def chosen(variable: str, known: Collection[str]) -> list[str]:
    """The names that the variable holds, with commas between, in the order of `known`; all for none."""
    wanted = {name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()}
    if unknown := wanted.difference(known):
        sys.exit(f"{variable}: there is no {', '.join(sorted(unknown))}: {', '.join(known)}.")
    return [name for name in known if not wanted or name in wanted]
