"""What the environment asks of the fuzzing."""

import os
import sys

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS
from tests.support import asked

_NIGHTLY = 1_000_000


def cases() -> int:
    """`FUZZ`: how many in all."""
    text = os.environ.get("FUZZ") or str(_NIGHTLY)
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        sys.exit(f"FUZZ={text}: it is how many cases to try, such as 50000.")
    return int(text)


def seed() -> int:
    """`FUZZ_SEED`, of all that is chosen at random."""
    return asked.seed("FUZZ_SEED")


def targets() -> list[Target]:
    """`FUZZ_ONLY`: names of targets, with commas between; all without it."""
    names = asked.chosen("FUZZ_ONLY", [target.name for target in TARGETS], "target")
    return [target for target in TARGETS if target.name in names]


def case() -> bytes | None:
    """`FUZZ_CASE`: the one case of the one target that is tried, as a finding shows it."""
    text = os.environ.get("FUZZ_CASE")
    if not text:
        return None
    try:
        recipe = bytes.fromhex(text)
    except ValueError:
        sys.exit(f"FUZZ_CASE={text}: it is a case as a finding shows it, in hex.")
    if len(targets()) != 1:
        sys.exit("FUZZ_CASE: name its target, with FUZZ_ONLY.")
    return recipe
