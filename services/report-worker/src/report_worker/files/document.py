"""What the files of a report are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waybill.definitions import Definition


@dataclass(frozen=True)
class Result:
    """What a step gave: a Parquet file with all of its rows, at least with its columns."""

    name: str
    path: Path
    rows: int


@dataclass(frozen=True)
class Document:
    """A definition with the values of its parameters and the results of its steps.

    `parameters`: as Python values by name, a date range as `{"first": date, "last": date}`, and None where
    one was left out. `missing`: of each step that failed and let the report go on, why, for people to read.
    """

    definition: Definition
    parameters: Mapping[str, Any]
    results: Mapping[str, Result]
    missing: Mapping[str, str]
