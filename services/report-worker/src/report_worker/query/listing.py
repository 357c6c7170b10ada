"""Reads the choices of a definition's parameters from its sources: a process of its own, so that what the
libraries of sources take or break is no loss of the worker.

It reads the definition's text from standard input, and writes JSON: for each parameter whose choices come
from a query, `choices` with value and label, and `more` where there are others; or the `error`.
"""

import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

from report_worker.query.choices import choice_queries
from report_worker.query.running import Steps
from report_worker.query.settings import own_environment, sources_file
from report_worker.query.sources import read_sources
from waybill.definitions import ChoiceQuery, defined_kind
from waybill.errors import WaybillError

MAX_LISTED: Final = 1_000
_MEMORY: Final = 2**30
_LONGEST: Final = 200
_NO_REPORT: Final = UUID(int=0)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    definition = defined_kind(sys.stdin.read()).definition
    environment = own_environment()
    with TemporaryDirectory(prefix="waybill-choices-") as folder:
        try:
            sources = read_sources(sources_file(environment))
        except WaybillError as error:
            found = {name: {"error": str(error)} for name in choice_queries(definition)}
        else:
            steps = Steps(sources, environment, _NO_REPORT, Path(folder), {})
            found = {name: _listed(steps, query) for name, query in choice_queries(definition).items()}
    json.dump(found, sys.stdout)


def _listed(steps: Steps, query: ChoiceQuery) -> dict[str, Any]:
    try:
        return listed(steps.choices(query))
    except WaybillError as error:
        return {"error": str(error)[:500]}


def listed(rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Of the rows, the first column is the value, and the second, if there is one, what people see."""
    labels: dict[int | str, str | None] = {}
    for row in rows:
        if row and row[0] is not None:
            value = row[0] if type(row[0]) is int else str(row[0])
            if len(str(value)) <= _LONGEST:
                label = str(row[1])[:_LONGEST] if len(row) > 1 and row[1] is not None else None
                labels.setdefault(value, label)
    shown = list(labels.items())[:MAX_LISTED]
    return {
        "choices": [{"value": value, "label": label} for value, label in shown],
        "more": len(labels) > len(shown),
    }


if __name__ == "__main__":
    main()
