"""What no single value shows: whether the parts of a definition fit each other."""

from collections.abc import Iterator
from typing import Any

from waybill.definitions import braces
from waybill.definitions.faults import Fault
from waybill.definitions.model import (
    RESULTS,
    ChartBlock,
    ChoiceQuery,
    Definition,
    FiguresBlock,
    Format,
    HttpStep,
    Output,
    SqlStep,
    TableBlock,
)
from waybill.definitions.parameters import WrongParameter, names_in_sql, parameters_model
from waybill.definitions.placeholders import Dialect, placeholders
from waybill.definitions.statements import statement_fault
from waybill.definitions.uses import blocks_of, line_of, shown_texts
from waybill.definitions.yaml_text import Path, YamlText

CHOICES_STEP = "parameters"
"""The step before all others of a definition whose choices come from a query."""
_RESERVED = frozenset({RESULTS, CHOICES_STEP, *Output})
_FORMATS = frozenset(Format)


def faults(definition: Definition, text: YamlText) -> Iterator[Fault]:
    """Each, with its place in the text that the definition was read from."""
    yield from _parameter_faults(definition, text)
    yield from _step_faults(definition, text)
    yield from _reference_faults(definition, text)
    yield from _text_faults(definition, text)


def _parameter_faults(definition: Definition, text: YamlText) -> Iterator[Fault]:
    try:
        parameters_model(definition)
    except WrongParameter as error:
        path = error.path[1:] if error.path[:1] == ("..",) else ("parameters", *error.path)
        yield text.fault(path, str(error))
    for name, parameter in definition.parameters.items():
        if isinstance(parameter.choices, ChoiceQuery):
            path = ("parameters", name, "choices", "sql")
            yield from _sql_faults(parameter.choices.sql, parameter.choices.source, frozenset(), path, text)
    both = names_in_sql(definition)
    if len(both) < sum(1 for _ in _all_names(definition)):
        yield text.fault(("parameters",), "two parameters have the same name in SQL.")


def _all_names(definition: Definition) -> Iterator[str]:
    for name in definition.parameters:
        yield from names_in_sql(
            definition.model_copy(update={"parameters": {name: definition.parameters[name]}})
        )


def _step_faults(definition: Definition, text: YamlText) -> Iterator[Fault]:
    known = names_in_sql(definition)
    seen: set[str] = set()
    for number, step in enumerate(definition.steps):
        path: Path = ("steps", number)
        if step.name in seen or step.name in _RESERVED:
            reason = "is the name of another step" if step.name in seen else "is reserved"
            yield text.fault((*path, "name"), f"{step.name!r} {reason}; take another.")
        seen.add(step.name)
        if isinstance(step, SqlStep):
            yield from _sql_faults(step.sql, step.source, known, (*path, "sql"), text)
            if number == 0 and step.source == RESULTS and "source" not in step.model_fields_set:
                yield text.fault(
                    path, "the key 'source' is missing: the first step has no steps before it.", at_key=True
                )


def _sql_faults(sql: str, source: str, known: frozenset[str], path: Path, text: YamlText) -> Iterator[Fault]:
    dialect: Dialect = "duckdb" if source == RESULTS else "postgres"
    dialects: dict[Dialect, None] = {dialect: None, "duckdb": None}  # a source may be of files
    found = [statement_fault(sql, one) for one in dialects]
    if found[0] and all(found):
        yield text.fault_within(path, found[0].line, found[0].column, found[0].reason)
    for one in placeholders(sql, dialect):
        if one.name not in known:
            names = ", ".join(f":{name}" for name in sorted(known)) or "none"
            reason = f"there is no parameter for :{one.name}; there are: {names}."
            yield text.fault_within(path, one.line, one.column, reason)


def _reference_faults(definition: Definition, text: YamlText) -> Iterator[Fault]:
    for number, output in enumerate(definition.outputs):
        if output in definition.outputs[:number]:
            yield text.fault(("outputs", number), f"{output} is there twice.")
    steps = {step.name for step in definition.steps}
    for path, name in _named_steps(definition):
        if name not in steps:
            yield text.fault(path, _no_step(name, steps))


def _named_steps(definition: Definition) -> Iterator[tuple[Path, str]]:
    for number, name in enumerate(definition.data or ()):
        yield ("data", number), name
    for path, block in blocks_of(definition):
        if isinstance(block, TableBlock):
            yield (*path, "table", "from"), block.table.source
        elif isinstance(block, ChartBlock):
            yield (*path, "chart", "from"), block.chart.source
        elif isinstance(block, FiguresBlock):
            for number, figure in enumerate(block.figures):
                yield (*path, "figures", number, "value"), figure.value.partition(".")[0]


def _no_step(name: str, steps: set[str]) -> str:
    return f"there is no step {name!r}; there are: {', '.join(sorted(steps))}."


def _text_faults(definition: Definition, text: YamlText) -> Iterator[Fault]:
    """Of the texts with values in braces. Those of calls, and of the file's name, are filled before there are
    results."""
    steps = {step.name for step in definition.steps}
    for path, value in shown_texts(definition):
        yield from _brace_faults(value, path, definition, steps, text)
    for path, value in _early_texts(definition):
        yield from _brace_faults(value, path, definition, set(), text)


def _early_texts(definition: Definition) -> Iterator[tuple[Path, str]]:
    if definition.filename is not None:
        yield ("filename",), definition.filename
    for number, step in enumerate(definition.steps):
        path: Path = ("steps", number)
        if step.if_empty is not None:
            yield (*path, "if_empty"), step.if_empty
        if isinstance(step, HttpStep):
            yield (*path, "http", "path"), step.http.path
            for key in ("query", "headers", "body"):
                yield from _texts_within((*path, "http", key), getattr(step.http, key))


def _texts_within(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts_within((*path, key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts_within((*path, number), inner)


def _brace_faults(
    value: str, path: Path, definition: Definition, steps: set[str], text: YamlText
) -> Iterator[Fault]:
    for fault in braces.faults(value):
        yield text.fault_within(path, *line_of(value, fault.position), fault.reason)
    for one in braces.references(value):
        if reason := _reference_fault(one, definition, steps):
            yield text.fault_within(path, *line_of(value, one.position), reason)


def _reference_fault(one: braces.Reference, definition: Definition, steps: set[str]) -> str | None:
    if one.format is not None and one.format not in _FORMATS:
        return f"there is no format {one.format!r}; there are: {', '.join(sorted(_FORMATS))}."
    if one.column is None and one.name not in _names_in_texts(definition):
        names = ", ".join(sorted(_names_in_texts(definition))) or "none"
        return f"there is no parameter {one.name!r}; there are: {names}."
    if one.column is not None and one.name not in steps:
        return _no_step(one.name, steps) if steps else "has no results yet: only parameters can be used here."
    return None


def _names_in_texts(definition: Definition) -> frozenset[str]:
    return names_in_sql(definition) | frozenset(definition.parameters)
