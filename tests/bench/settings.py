"""What the environment asks of the benchmark."""

import os
from collections.abc import Collection

from tests.bench.scale import MEDIUM, SCALES, Scale
from tests.support import asked

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
    """`BENCH_SEED`, by which the order within the rounds is chosen."""
    return asked.seed("BENCH_SEED")


def scale() -> Scale:
    """`BENCH`: how much is measured."""
    return SCALES[asked.one_of("BENCH", SCALES, MEDIUM.name, also=["or help"])]
