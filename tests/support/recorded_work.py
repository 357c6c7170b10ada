"""A `Work` without a worker: it runs the steps and keeps how they ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4


@dataclass
class RecordedWork:
    directory: Path
    report_id: UUID = field(default_factory=uuid4)
    attempt: int = 1
    outputs: tuple[str, ...] = ()
    steps: dict[str, Exception | None] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, *, keep_going: bool = False) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.steps[name] = error
            if not keep_going:
                raise
        else:
            self.steps[name] = None
