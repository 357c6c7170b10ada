"""How much of the output of jobs is kept."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class OutputPolicy:
    """`max_bytes`: of a report; half of it for the first lines, half for the last ones. Each line counts for
    `line_bytes` more than its text has. `interval`: between two writes. Beyond the first half, a job's lines
    are written at `max_bytes` in `drain`, and those that do not fit into the second half meanwhile are
    dropped. `max_chunk_bytes`: of a row."""

    max_bytes: int = 2**20
    line_bytes: int = 100
    interval: timedelta = timedelta(seconds=0.5)
    drain: timedelta = timedelta(seconds=16)

    @property
    def half(self) -> int:
        return self.max_bytes // 2

    @property
    def max_chunk_bytes(self) -> int:
        return min(16 * 1024, self.max_bytes // 8)

    @property
    def bytes_per_second(self) -> float:
        return self.max_bytes / self.drain.total_seconds()
