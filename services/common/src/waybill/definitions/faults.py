"""What is wrong with a definition, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

from waybill.errors import WaybillError


@dataclass(frozen=True, order=True)
class Fault:
    """A place in a file, from line 1 and column 1, and what is wrong there."""

    line: int
    column: int
    reason: str


class WrongDefinition(WaybillError):  # noqa: N818 - the name is the sentence
    """Each of its `faults` is a line of its message: `sales.yaml:12:5: there is no step "totals".`"""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = sorted(faults)
        super().__init__(
            "\n".join(f"{file}:{fault.line}:{fault.column}: {fault.reason}" for fault in self.faults)
        )
