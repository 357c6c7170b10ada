"""Runs the steps of a definition, and writes the files of their results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyarrow.parquet import read_metadata

from report_worker import files
from report_worker.files import Document, Result
from report_worker.query.choices import check_choices, choice_queries
from report_worker.query.errors import SqlError
from report_worker.query.running import Steps, source_of
from report_worker.query.settings import own_environment, sources_file
from report_worker.query.sources import Sources, read_sources
from report_worker.query.templates import filled
from waybill.definitions import CHOICES_STEP, RESULTS, Definition, Step, values_in_sql
from waybill.definitions.date_ranges import DateRange
from waybill.errors import PermanentError
from waybill.kinds import Artefact, Parameters, Work
from waybill.telemetry import describe_step


def produce(
    definition: Definition, parameters: Parameters, work: Work, *, sources: Sources | None = None
) -> list[Artefact]:
    """The files of the outputs that the work wants, the definition's first unless it says. Each step of the
    definition is one of the work, and so is each output.

    `sources`: those of the file that the environment names, unless given. Raises `RetryableError` where
    another attempt may go well, and `PermanentError`.
    """
    for output in wanted_outputs(definition, work):
        if reason := files.unavailable(output):
            raise PermanentError(reason)
    environment = own_environment()
    if sources is None:
        sources = read_sources(sources_file(environment))
    values = values_in_sql(definition, parameters)
    steps = Steps(sources, environment, work.report_id, work.directory, values)
    if choice_queries(definition):
        with work.step(CHOICES_STEP):
            check_choices(definition, values, steps.choices)
    run = _Run(definition, _texts(definition, parameters, values), work, steps)
    for step in definition.steps:
        run.do(step)
    document = Document(definition, _shown(definition, parameters), run.results, run.missing)
    return _write(document, work)


@dataclass(frozen=True)
class _Run:
    definition: Definition
    texts: Mapping[str, Any]
    work: Work
    steps: Steps
    results: dict[str, Result] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def do(self, step: Step) -> None:
        """Of a step that may fail, the report goes on without its result. One that an earlier attempt has
        done is not done again. Raises `PartError`, also then, where the outputs show what a result does not
        have."""
        with self.work.step(step.name, keep_going=step.keep_going, resume=True) as current:
            try:
                if current.reused:
                    self._take(step, current.result)
                else:
                    current.keep(self._do(step))
            except Exception as error:
                self.results.pop(step.name, None)
                self.missing[step.name] = str(error)
                raise
        if step.name in self.results:
            outputs = wanted_outputs(self.definition, self.work)
            files.check_columns(self.definition, outputs, self.results[step.name])

    def _take(self, step: Step, path: Path) -> None:
        rows = read_metadata(path).num_rows
        describe_step(source_of(step), rows, path.stat().st_size)
        self.results[step.name] = Result(step.name, path, rows)

    def _do(self, step: Step) -> Path:
        """The file of its result."""
        describe_step(source_of(step))
        try:
            rows = self.steps.run(step, self.results)
        except SqlError as error:
            if self.missing and source_of(step) == RESULTS:
                without = ", ".join(self.missing)
                raise SqlError(f"{error.sentence} There is no result of {without}.", error.place) from error
            raise
        path = self.steps.result_file(step.name)
        if not rows and step.if_empty:
            raise PermanentError(filled(step.if_empty, self.texts))
        if not path.is_file():
            raise PermanentError(
                "The answer has no rows, and so no columns: give the step if_empty, which says so to people,"
                " or keep_going."
            )
        describe_step(source_of(step), rows, path.stat().st_size)
        self.results[step.name] = Result(step.name, path, rows)
        return path


def _write(document: Document, work: Work) -> list[Artefact]:
    folder = work.directory / "outputs"
    folder.mkdir()
    written = []
    for output in wanted_outputs(document.definition, work):
        with work.step(output):
            written += files.write(output, document, folder)
    return written


def wanted_outputs(definition: Definition, work: Work) -> tuple[str, ...]:
    """Those of the request, or the definition's first."""
    return work.outputs or (definition.outputs[0],)


def _shown(definition: Definition, parameters: Parameters) -> dict[str, Any]:
    """As a document has them."""
    found = {name: getattr(parameters, name) for name in definition.parameters}
    return {
        name: {"first": value.first, "last": value.last} if isinstance(value, DateRange) else value
        for name, value in found.items()
    }


def _texts(definition: Definition, parameters: Parameters, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of names in braces; a date range as a whole is its two days."""
    found = {name: getattr(parameters, name) for name in definition.parameters}
    ranges = {
        name: f"{value.first} to {value.last}"
        for name, value in found.items()
        if isinstance(value, DateRange)
    }
    return found | ranges | dict(values)
