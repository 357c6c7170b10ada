"""A definition, run in this process for the one who writes it."""

import shutil
import tempfile
import time
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pyarrow.parquet as pq

from report_worker.files import PartError
from report_worker.query.errors import SqlError
from report_worker.query.preview_parameters import given_parameters
from report_worker.query.producing import produce
from report_worker.query.settings import has_display, own_environment
from report_worker.query.sources import read_sources
from waybill.definitions import DefinedKind, WrongDefinition, YamlText, read_file
from waybill.kinds import Artefact

Say = Callable[[str], object]


@dataclass(frozen=True)
class Preview:
    """`to`: the folder that gets the files, in place of those of the same names. `say` gets each line."""

    file: Path
    sources: Path | None
    to: Path
    say: Say

    def run(self, pairs: Sequence[str], outputs: Sequence[str], *, opens: bool) -> bool:
        """Whether all steps were done. Raises `ValueError` for wrong parameters and outputs, and
        `WrongDefinition`, whose lines say file, line, column and reason, for a wrong definition and a step
        that fails."""
        kind = read_file(self.file)
        wanted = _outputs(kind, outputs)
        parameters = given_parameters(kind, pairs)
        sources = read_sources(self.sources)
        with tempfile.TemporaryDirectory(prefix="waybill-preview-") as folder:
            work = _Work(Path(folder).resolve(), wanted, self.say)
            try:
                artefacts = produce(kind.definition, parameters, work, sources=sources)
            except Exception as error:
                self._tell_failed(kind, work)
                raise self._placed(kind, work.running, error) from error
            written = [self._keep(one) for one in artefacts]
        page = next((one for one in written if one.suffix == ".html"), None)
        if opens and page and has_display(own_environment()):
            webbrowser.open(page.resolve().as_uri())
        self._tell_failed(kind, work)
        return not work.failed

    def _tell_failed(self, kind: DefinedKind, work: "_Work") -> None:
        """The reasons of the steps that may fail."""
        for step, failure in work.failed:
            self.say(str(self._placed(kind, step, failure)))

    def _keep(self, artefact: Artefact) -> Path:
        self.to.mkdir(parents=True, exist_ok=True)
        target = self.to / artefact.filename
        shutil.copyfile(artefact.path, target)
        self.say(f"written: {target}")
        return target

    def _placed(self, kind: DefinedKind, name: str | None, error: Exception) -> WrongDefinition:
        """Where in the file: at the SQL that the server names, at what the results do not have, or else at
        the step or the output."""
        document = YamlText(kind.source.text, str(self.file))
        if isinstance(error, PartError):
            within = error.place and partial(document.fault_within, error.path, *error.place)
            at = within or partial(document.fault, error.path)
            return document.wrong([at(error.sentence)])
        said = " ".join(str(error).split()) or type(error).__name__
        path = _path_of(kind, name)
        if isinstance(error, SqlError) and error.place and path[:1] == ("steps",):
            line, column = error.place
            fault = document.fault_within((*path, "sql"), line, column or 1, f"{name}: {error.sentence}")
            return document.wrong([fault])
        return document.wrong([document.fault(path, f"{name}: {said}" if name else said)])


def _path_of(kind: DefinedKind, name: str | None) -> tuple[str | int, ...]:
    """Of a step or an output of that name."""
    steps = [one.name for one in kind.definition.steps]
    if name in steps:
        return "steps", steps.index(name)
    outputs = list(map(str, kind.definition.outputs))
    return ("outputs", outputs.index(name)) if name in outputs else ()


@dataclass
class _Step:
    """A step that nothing is stored of: a preview has one attempt."""

    reused: bool = False
    result: Any = None

    def keep(self, result: Any) -> None:
        self.result = result


@dataclass
class _Work:
    """A `Work` without a worker, which says how each step ends."""

    directory: Path
    outputs: tuple[str, ...]
    say: Say
    report_id: UUID = field(default_factory=uuid4)
    attempt: int = 1
    running: str | None = None
    failed: list[tuple[str, Exception]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, *, keep_going: bool = False, resume: bool = False) -> Iterator["_Step"]:  # noqa: ARG002
        self.running = name
        started = time.monotonic()
        try:
            yield _Step()
        except Exception as error:
            self._tell(name, "failed", started)
            if not keep_going:
                raise
            self.failed.append((name, error))
        else:
            self._tell(name, self._rows(name), started)

    def _tell(self, name: str, what: str, started: float) -> None:
        self.say(f"{name:<30} {what:>20} {time.monotonic() - started:>8.2f} s")

    def _rows(self, name: str) -> str:
        result = self.directory / "results" / f"{name}.parquet"
        if not result.is_file():
            return "done"
        rows = pq.read_metadata(result).num_rows
        return f"{rows:,} {'row' if rows == 1 else 'rows'}"


def _outputs(kind: DefinedKind, wanted: Sequence[str]) -> tuple[str, ...]:
    offered = tuple(map(str, kind.definition.outputs))
    for name in wanted:
        if name not in offered:
            raise ValueError(f"{name!r} is no output of this report: {', '.join(offered)}.")
    return tuple(wanted) or offered[:1]
