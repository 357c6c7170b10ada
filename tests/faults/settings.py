"""What the environment asks of the harness. What it cannot ask ends the program, with what to ask instead."""

import os
import secrets
import sys
from dataclasses import replace

from tests.faults.injectors import LANES, Lane
from tests.faults.scale import QUICK, SCALES, Scale


def seed() -> int:
    """`FAULTS_SEED`, of all that is chosen at random; one of many where it is not said."""
    asked = os.environ.get("FAULTS_SEED")
    if not asked:
        return secrets.randbelow(10**6)
    if not asked.isdecimal():
        sys.exit(f"FAULTS_SEED={asked}: a seed is a whole number, as 7.")
    return int(asked)


def scale() -> Scale:
    """`FAULTS`: how much of each fault."""
    name = os.environ.get("FAULTS") or QUICK.name
    if name not in SCALES:
        sys.exit(f"FAULTS={name}: it is one of {', '.join(SCALES)}.")
    return SCALES[name]


def lanes() -> list[Lane]:
    """`FAULTS_ONLY`: names of faults, with commas between; the lanes with those alone, or with all."""
    wanted = {name.strip() for name in os.environ.get("FAULTS_ONLY", "").split(",") if name.strip()}
    known = [fault.name for lane in LANES for fault in lane.faults]
    if unknown := wanted.difference(known):
        sys.exit(f"FAULTS_ONLY: there is no fault {', '.join(sorted(unknown))}: {', '.join(known)}.")
    chosen = [
        replace(lane, faults=tuple(fault for fault in lane.faults if not wanted or fault.name in wanted))
        for lane in LANES
    ]
    return [lane for lane in chosen if lane.faults]
