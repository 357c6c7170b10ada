"""The `Step` that a kind sees: what it keeps for a later attempt, or finds of an earlier one."""

import json
from pathlib import Path
from typing import Any

from report_worker.scratch import NotInDirectory, open_produced
from report_worker.slots.protocol import Kept, Reusable
from report_worker.slots.sanitize import storable
from waybill.domain import MAX_RESULTS, MAX_VALUE_BYTES, MAX_VALUES_BYTES, Carrier
from waybill.kinds import WrongStep

_NOTHING = object()
_KEEPS = "step.keep must get a file in work.directory"


class Stored:
    """What a report's steps have stored so far, in the attempts before this one too, and its limits."""

    def __init__(self, found: dict[str, Reusable]) -> None:
        """`found`: by the name of the step."""
        self.found = found
        self._results = len(found)
        self._bytes = sum(len(one.value or "") for one in found.values())
        self._names: set[str] = set()
        self._paths = {one.path for one in found.values()}

    def begin(self, name: str) -> Reusable | None:
        """A step with `resume` begins: what is reused, if there is anything. Raises `WrongStep`."""
        if name in self._names:
            raise WrongStep(
                f"There was a step {name!r} with resume=True already: in an attempt, each needs a name of its"
                " own, in its first 200 characters."
            )
        self._names.add(name)
        return self.found.get(name)

    def add(self, value: str | None, path: Path | None) -> None:
        """Raises `WrongStep` where it is too much, or the file is another step's."""
        if path is not None and path in self._paths:
            raise WrongStep(f"{path} is the result of another step already: keep a file of another name.")
        self._paths.add(path)
        self._results += 1
        self._bytes += len(value or "")
        if self._results > MAX_RESULTS:
            raise WrongStep(f"The steps of one report can keep {MAX_RESULTS} results; this is one more.")
        if self._bytes > MAX_VALUES_BYTES:
            raise WrongStep(
                f"The steps of one report can keep {MAX_VALUES_BYTES} bytes of JSON in all; this is more."
                " Write it to a file in work.directory, and keep that."
            )


class SlotStep:
    """One step. `stored` is None where it has no `resume`."""

    def __init__(self, name: str, directory: Path, stored: Stored | None) -> None:
        """Raises `WrongStep` where it must not begin."""
        self._name = name
        self._directory = directory
        self._stored = stored
        self._reused = stored.begin(name) if stored else None
        self._result: Any = _NOTHING
        self._value: str | None = None
        self._path: Path | None = None
        if self._reused:
            value, path = self._reused.value, self._reused.path
            self._result = path if value is None else json.loads(value)

    @property
    def found(self) -> Reusable | None:
        """What is reused."""
        return self._reused

    @property
    def reused(self) -> bool:
        return self._reused is not None

    @property
    def result(self) -> Any:
        if self._result is _NOTHING:
            raise WrongStep(f"The step {self._name!r} has no result yet: call step.keep first.")
        return self._result

    def keep(self, result: Any) -> None:
        if self._stored is None:
            raise WrongStep(f"The step {self._name!r} can keep nothing: begin it with resume=True.")
        if self._result is not _NOTHING:
            why = "is reused: call step.keep only if not step.reused" if self.reused else "has kept a result"
            raise WrongStep(f"The step {self._name!r} {why}.")
        if isinstance(result, Path):
            _check(self._directory, result)
            self._stored.add(None, result)
            self._path = self._result = result
        else:
            value = _json(self._name, result)
            self._stored.add(value, None)
            self._value, self._result = value, json.loads(value)

    def check(self) -> None:
        """At the step's end: raises `NotInDirectory` where the file that it has kept is there no more."""
        if self._path is not None:
            _check(self._directory, self._path)

    def kept(self, made_by: Carrier | None) -> Kept | None:
        """What is to be stored, if anything is. `made_by`: the step's span."""
        if self._value is None and self._path is None:
            return None
        return Kept(self._value, self._path, made_by)


def _check(directory: Path, path: Path) -> None:
    open_produced(directory, path, _KEEPS).close()
    if storable(text := str(path)) != text:
        raise NotInDirectory(f"{_KEEPS}; {storable(text)} is no Unicode text.")


def _json(name: str, result: Any) -> str:
    try:
        value = json.dumps(result, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise WrongStep(f"The step {name!r} can keep JSON, or the Path of a file: {error}.") from None
    if len(value) > MAX_VALUE_BYTES:
        raise WrongStep(
            f"The step {name!r} keeps JSON of {len(value)} bytes, and {MAX_VALUE_BYTES} are allowed: write it"
            " to a file in work.directory, and keep that file's Path."
        )
    return value
