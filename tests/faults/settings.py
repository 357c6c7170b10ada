"""What the environment asks of the harness."""

from dataclasses import replace

from tests.faults.injectors import LANES, Lane
from tests.faults.scale import QUICK, SCALES, Scale
from tests.support import asked


def seed() -> int:
    """`FAULTS_SEED`, of all that is chosen at random."""
    return asked.seed("FAULTS_SEED")


def scale() -> Scale:
    """`FAULTS`: how much of each fault."""
    return SCALES[asked.one_of("FAULTS", SCALES, QUICK.name)]


def lanes() -> list[Lane]:
    """`FAULTS_ONLY`: names of faults, with commas between; the lanes with those alone, or with all."""
    names = asked.chosen("FAULTS_ONLY", [fault.name for lane in LANES for fault in lane.faults], "fault")
    wanted = [
        replace(lane, faults=tuple(fault for fault in lane.faults if fault.name in names)) for lane in LANES
    ]
    return [lane for lane in wanted if lane.faults]
