"""What a definition may say. The JSON Schema for editors is made of these models, with their descriptions.

A text in braces stands for a value: `{month}` for a parameter, `{totals.flights}` for a column of the first
row of a step's result, `{totals.share:percent}` for the same in a format. `{{` is a brace.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from waybill.definitions.durations import read_duration

RESULTS = "results"
"""The source that is always there: the results of the steps before, as tables by the steps' names."""

_MAX_STEPS, _MAX_PARAMETERS, _MAX_SECTIONS, _MAX_COLUMNS = 50, 50, 50, 200

Name = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,49}$")]
Identifier = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,49}$")]
Text = Annotated[str, Field(min_length=1, max_length=500)]
LongText = Annotated[str, Field(min_length=1, max_length=20_000)]
Sql = Annotated[str, Field(min_length=1, max_length=50_000)]
ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
Duration = Annotated[
    timedelta,
    BeforeValidator(read_duration, json_schema_input_type=str | int | float),
    Field(description="A number with a unit, such as `30s`, `5m`, `2h`; without one it is in seconds."),
]


class _Model(BaseModel):
    """Unknown keys are refused, and no value is converted from another type. Read as JSON: `read` of
    `waybill.definitions` does so."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _by_key(*keys: str) -> Discriminator:
    """The first of the keys that a mapping has tells which model it is."""
    names = ", ".join(keys[:-1])

    def find(value: Any) -> str | None:
        for key in keys:
            if key in value if isinstance(value, dict) else hasattr(value, key):
                return key
        return None

    return Discriminator(
        find,
        custom_error_type="which",
        custom_error_message=f"must have one of the keys {names} or {keys[-1]}.",
    )


def _is_text(value: Any) -> str:
    return "text" if isinstance(value, str) else "mapping"


# --- parameters ---------------------------------------------------------------------------------------


class Choice(_Model):
    """One value that may be chosen, and what people read for it."""

    value: str | int
    label: Text | None = None


class ChoiceQuery(_Model):
    """Choices from a query: its first column is the value, its second, if there is one, the label."""

    source: Identifier
    sql: Sql


class ParameterType(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATE_RANGE = "date_range"


class Parameter(_Model):
    """A value that who requests the report chooses. In SQL it is `:name`, which is always bound.

    A `date_range` has four names there: `:name_first` and `:name_last`, the days, both within it; and
    `:name_start` and `:name_end`, as times in its time zone, of which the second is no longer within it.
    """

    type: ParameterType
    title: Text | None = Field(default=None, description="What people read; without it, the name.")
    description: Text | None = None
    default: Any = Field(
        default=None,
        description="Used where none is given. For a date also `today` or `yesterday`; for a date range"
        " `today`, `yesterday`, `this_week`, `last_week`, `this_month`, `last_month`, `this_quarter`,"
        " `last_quarter`, `this_year`, `last_year`, `last_7_days`, `last_30_days`, or `{first: …, last: …}`.",
    )
    optional: bool = Field(
        default=False, description="It may be left out, and is null then. Not together with a default."
    )
    multiple: bool = Field(
        default=False, description="A list of values; in SQL, an array: `carrier = ANY(:carriers)`."
    )
    minimum: int | float | date | None = None
    maximum: int | float | date | None = None
    max_length: int | None = Field(default=None, ge=1, le=10_000, description="Of a text, in characters.")
    pattern: str | None = Field(default=None, max_length=500, description="A regular expression for a text.")
    choices: list[Choice | str | int] | ChoiceQuery | None = Field(default=None)
    max_days: int | None = Field(default=None, ge=1, description="Of a date range.")
    time_zone: str | None = Field(
        default=None, description="Of a date or a date range, such as `America/New_York`; without it, UTC."
    )


# --- steps --------------------------------------------------------------------------------------------


class _StepModel(_Model):
    name: Identifier = Field(description="A table of this name has the result, for the steps after it.")
    title: Text | None = None
    timeout: Duration = timedelta(minutes=5)
    max_rows: int = Field(default=1_000_000, ge=1, le=100_000_000, description="With more the step fails.")
    keep_going: bool = Field(
        default=False,
        description="If it fails, the report goes on without it, and is `fail` at the end, with its files.",
    )
    if_empty: LongText | None = Field(
        default=None, description="Why the report fails where the result has no row, for people to read."
    )


class SqlStep(_StepModel):
    """One SELECT on a source."""

    source: Identifier = Field(
        default=RESULTS, description="A configured source, or `results`: DuckDB over the steps before."
    )
    sql: Sql
    files: list[Text] = Field(
        default_factory=list,
        max_length=100,
        description="Of a source of files in a bucket: which of them are fetched, such as `2026/*.parquet`.",
    )


Trouble = Annotated[
    Literal["connection", "timeout", "429", "5xx"],
    BeforeValidator(
        lambda value: str(value) if type(value) is int else value,
        json_schema_input_type=Literal["connection", "timeout", "429", "5xx", 429],
    ),
]


class RetryRule(_Model):
    """When a call is made again within the step."""

    attempts: int = Field(default=3, ge=1, le=10)
    on: list[Trouble] = ["connection", "timeout", "429", "5xx"]


class HttpCall(_Model):
    """A call of a related service, which is a configured source. Texts may have parameters in braces."""

    service: Identifier
    method: Literal["GET", "POST"] = "GET"
    path: Annotated[str, Field(pattern="^/", max_length=2000)]
    query: dict[Text, str | int | float | bool] = Field(default_factory=dict)
    headers: dict[Text, Text] = Field(default_factory=dict)
    body: Any = Field(default=None, description="JSON, for a POST.")
    rows: str = Field(
        default="$[*]", max_length=500, description="JSONPath (RFC 9535) of the objects that are the rows."
    )
    retry: RetryRule = RetryRule()


class HttpStep(_StepModel):
    """A call whose JSON answer is the result."""

    timeout: Duration = timedelta(seconds=30)
    http: HttpCall


Step = Annotated[
    Annotated[HttpStep, Tag("http")] | Annotated[SqlStep, Tag("sql")],
    _by_key("http", "sql"),
]


# --- what is shown ------------------------------------------------------------------------------------


class Format(StrEnum):
    """How values are written; where none is given, by their type."""

    TEXT = "text"
    NUMBER = "number"
    PERCENT = "percent"
    """Of a share: 0.25 is 25 %."""
    MONEY = "money"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    DURATION = "duration"
    """Of seconds, or of an interval."""
    BYTES = "bytes"


class _Formatted(_Model):
    format: Format | None = None
    decimals: int | None = Field(default=None, ge=0, le=10)
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = Field(
        default=None, description="Of money: an ISO 4217 code."
    )
    unit: Annotated[str, Field(max_length=20)] | None = Field(default=None, description="Behind a number.")


class Total(StrEnum):
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    COUNT = "count"


class Column(_Formatted):
    """A column of a table."""

    name: ColumnName
    title: Text | None = None
    total: Total | None = Field(
        default=None, description="What stands below it, of the table and its groups."
    )
    bar: bool = Field(default=False, description="Each value has a bar beside it.")


ColumnOrName = Annotated[
    Annotated[Column, Tag("mapping")] | Annotated[ColumnName, Tag("text")], Discriminator(_is_text)
]


class Table(_Model):
    """A step's result as a table."""

    source: Identifier = Field(alias="from")
    title: Text | None = None
    columns: list[ColumnOrName] | None = Field(
        default=None, min_length=1, max_length=_MAX_COLUMNS, description="Without them, all as they are."
    )
    group_by: ColumnName | None = Field(
        default=None, description="Rows with the same value, one after the other, are a group with totals."
    )
    rows: int = Field(
        default=500, ge=1, le=5000, description="How many HTML and PDF show; the other files have all."
    )


class ChartType(StrEnum):
    LINE = "line"
    BAR = "bar"
    STACKED_BAR = "stacked_bar"
    SCATTER = "scatter"
    HEAT_MAP = "heat_map"
    HISTOGRAM = "histogram"


class Chart(_Formatted):
    """A step's result as a chart. `y` names one column or several; or one, with a series for each value of
    the column `series`. A heat map has the column `value` in colour; a histogram only needs `x`."""

    type: ChartType
    source: Identifier = Field(alias="from")
    title: Text | None = None
    x: ColumnName
    y: ColumnName | list[ColumnName] | None = None
    series: ColumnName | None = None
    value: ColumnName | None = None
    bins: int = Field(default=20, ge=2, le=200)
    x_title: Text | None = None
    y_title: Text | None = None
    alt: Text | None = Field(default=None, description="What it shows, for those who cannot see it.")

    @model_validator(mode="after")
    def _has_its_columns(self) -> Self:
        if self.type is ChartType.HEAT_MAP and not (isinstance(self.y, str) and self.value):
            raise PydanticCustomError("chart_columns", "A heat map needs x, y (one column) and value.")
        if self.type not in (ChartType.HEAT_MAP, ChartType.HISTOGRAM) and not self.y:
            raise PydanticCustomError(
                "chart_columns", "A {type} chart needs x and y.", {"type": self.type.value}
            )
        return self


class Figure(_Formatted):
    """One number with its name: a column of a result's first row."""

    label: Text
    value: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\..+$")] = Field(
        description="`step.column`, such as `totals.flights`."
    )


class TextBlock(_Model):
    """Markdown without HTML, with values in braces."""

    text: LongText


class FiguresBlock(_Model):
    figures: list[Figure] = Field(min_length=1, max_length=24)


class TableBlock(_Model):
    table: Table


class ChartBlock(_Model):
    chart: Chart


Block = Annotated[
    Annotated[TextBlock, Tag("text")]
    | Annotated[FiguresBlock, Tag("figures")]
    | Annotated[TableBlock, Tag("table")]
    | Annotated[ChartBlock, Tag("chart")],
    _by_key("text", "figures", "table", "chart"),
]


class Section(_Model):
    """A part of the page, with its blocks in order."""

    title: Text | None = None
    blocks: list[Block] = Field(min_length=1, max_length=50)


class Output(StrEnum):
    """A file that a report may come as."""

    HTML = "html"
    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


class Definition(_Model):
    """A report. Its kind is `query:` and the name."""

    model_config = ConfigDict(title="Waybill report definition")

    waybill: Literal[1] = Field(description="The version of this format.")
    name: Name
    title: Text
    description: LongText
    heading: Text | None = Field(
        default=None, description="Above the page, with values in braces; without it, the title."
    )
    filename: Text | None = Field(
        default=None, description="Of the files, without an ending, with parameters in braces; else the name."
    )
    timeout: Duration = timedelta(minutes=30)
    max_attempts: int = Field(default=3, ge=1, le=100)
    parameters: dict[Identifier, Parameter] = Field(default_factory=dict, max_length=_MAX_PARAMETERS)
    examples: list[dict[str, Any]] = Field(
        default_factory=list, max_length=20, description="Parameters that make a good report."
    )
    steps: list[Step] = Field(min_length=1, max_length=_MAX_STEPS)
    sections: list[Section] = Field(default_factory=list, max_length=_MAX_SECTIONS)
    data: list[Identifier] | None = Field(
        default=None,
        min_length=1,
        description="The steps whose results CSV, Parquet and JSON have; without it, those that tables show,"
        " or the last step's.",
    )
    outputs: list[Output] = Field(
        default_factory=lambda: list(Output),
        min_length=1,
        description="The files that may be requested; the first is made where none is requested.",
    )
