"""A `Work` without a worker: it runs the steps and keeps how they ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4


@dataclass
class RecordedStep:
    """`result` is what it has kept, or what an earlier attempt has, if it is `reused`."""

    reused: bool = False
    result: Any = None

    def keep(self, result: Any) -> None:
        assert not self.reused
        self.result = result


@dataclass
class RecordedWork:
    directory: Path
    report_id: UUID = field(default_factory=uuid4)
    attempt: int = 1
    outputs: tuple[str, ...] = ()
    steps: dict[str, Exception | None] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    """What earlier attempts have stored, by step."""

    @contextmanager
    def step(self, name: str, *, keep_going: bool = False, resume: bool = False) -> Iterator[RecordedStep]:
        found = resume and name in self.results
        try:
            yield RecordedStep(reused=found, result=self.results[name] if found else None)
        except Exception as error:
            self.steps[name] = error
            if not keep_going:
                raise
        else:
            self.steps[name] = None
