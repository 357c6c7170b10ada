"""Runs one step, on whatever its source is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlglot.dialects  # noqa: F401 - once in the template, and not in each slot, where it is needed

from report_worker.files import Result
from report_worker.query.buckets import copy_files
from report_worker.query.choices import MAX_CHOICES
from report_worker.query.deadline import Deadline
from report_worker.query.duck import DuckDbQuery
from report_worker.query.http import HttpQuery
from report_worker.query.postgresql import PostgresqlQuery
from report_worker.query.sources import FilesSource, HttpSource, PostgresqlSource, Sources, WrongSource
from waybill.definitions import RESULTS, ChoiceQuery, HttpStep, SqlStep, Step

_CHOICES_TIMEOUT = timedelta(minutes=1)


@dataclass(frozen=True)
class Steps:
    """The steps of one attempt. `environment`: where sources find secrets. Whatever a step writes is below
    `directory`; its result is `results/<name>.parquet` there."""

    sources: Sources
    environment: Mapping[str, str] = field(repr=False)
    report_id: UUID
    directory: Path
    values: Mapping[str, Any]

    def result_file(self, name: str) -> Path:
        return self.directory / "results" / f"{name}.parquet"

    def run(self, step: Step, results: Mapping[str, Result]) -> int:
        """Writes the result's file, and returns the number of its rows. Raises `RetryableError` where it may
        go well later, and `PermanentError`."""
        target = self.result_file(step.name)
        if isinstance(step, HttpStep):
            return self._http(step).run(step.http, self.values, target)
        query = self._sql(step.source, step, results)
        return query.run(step.sql, self.values, target)

    def choices(self, query: ChoiceQuery) -> Sequence[tuple[Any, ...]]:
        """The rows of a query for the choices of a parameter. Raises as `run`."""
        step = SqlStep(name="choices", source=query.source, sql=query.sql, timeout=_CHOICES_TIMEOUT)
        return self._sql(query.source, step, {}).values(query.sql, MAX_CHOICES)

    def _http(self, step: HttpStep) -> HttpQuery:
        name = step.http.service
        source = self.sources[name]
        if not isinstance(source, HttpSource):
            raise WrongSource(f"The source {name} is no HTTP service: read it with sql.")
        key = f"{self.report_id}-{step.name}"
        return HttpQuery(name, source, self.environment, key, step.timeout, step.max_rows)

    def _sql(self, name: str, step: SqlStep, results: Mapping[str, Result]) -> PostgresqlQuery | DuckDbQuery:
        scratch = self.directory / "duckdb"
        if name == RESULTS:
            return DuckDbQuery(self.sources.results, scratch, step.timeout, step.max_rows, results=results)
        source = self.sources[name]
        match source:
            case PostgresqlSource():
                return self._postgresql(name, source, step)
            case FilesSource():
                deadline = Deadline(step.timeout)
                folder = source.folder or self._copied(name, source, step, deadline)
                left = timedelta(seconds=max(deadline.left, 0.001))
                return DuckDbQuery(source, scratch, left, step.max_rows, folder)
            case _:
                raise WrongSource(f"The source {name} is an HTTP service: call it with http.")

    def _postgresql(self, name: str, source: PostgresqlSource, step: SqlStep) -> PostgresqlQuery:
        try:
            address = source.address(self.environment)
        except WrongSource as error:
            raise WrongSource(f"The source {name}: {error}.") from None
        timeout = min(step.timeout, source.statement_timeout or step.timeout)
        max_rows = min(step.max_rows, source.max_rows or step.max_rows)
        return PostgresqlQuery(address, f"waybill {self.report_id}", timeout, max_rows)

    def _copied(self, name: str, source: FilesSource, step: SqlStep, deadline: Deadline) -> Path:
        folder = self.directory / "files" / step.name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            copy_files(source, step.files, folder, self.environment, deadline)
        except WrongSource as error:
            raise WrongSource(f"The source {name}: {str(error).rstrip('.')}.") from None
        return folder


def source_of(step: Step) -> str:
    """The name of what it reads."""
    return step.http.service if isinstance(step, HttpStep) else step.source
