"""Definitions of reports."""

import json
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from tests.fuzz.choices import Choices
from tests.fuzz.mutation import mutated_json, mutated_text, odd_value
from waybill.definitions import (
    DefinedKind,
    WrongDefinition,
    defined_kind,
    for_duckdb,
    for_postgresql,
    placeholders,
    values_in_sql,
)
from waybill.kinds import published

_TEXT = """\
waybill: 1
name: sales
title: Sales
description: What was sold.
heading: "Sales of {month}, {{so far}}"
parameters:
  month: {type: integer, minimum: 1, maximum: 12, default: 7}
  period: {type: date_range, default: last_month, time_zone: Europe/Berlin, max_days: 366}
  region: {type: text, choices: [north, {value: south, label: The South}], optional: true}
  codes: {type: text, multiple: true, pattern: "^[A-Z]+$", default: [A]}
  day: {type: date, default: today, minimum: 2020-01-01}
steps:
  - name: orders
    source: shop
    timeout: 2m
    sql: |
      select day, amount::numeric from orders
      where extract(month from day) = :month and at >= :period_start and code = any(:codes)
  - {name: rates, http: {service: rates, path: "/rates/{month}", retry: {on: [429, 5xx]}}}
  - {name: totals, sql: "select sum(amount) as total from orders where day <= :day"}
sections:
  - blocks:
      - text: "Of {month}: {totals.total:money}"
      - table: {from: totals, columns: [total, {name: total, format: money, currency: EUR, total: sum}]}
      - chart: {type: bar, from: orders, x: day, y: [amount]}
outputs: [html, csv]
"""
_DATA: Any = json.loads(json.dumps(YAML(typ="safe", pure=True).load(_TEXT), default=str))


def read_a_definition(choices: Choices) -> bool:
    """As text, or as what the text means. A refusal has a place in the file; what is accepted is a kind whose
    schema, steps and SQL can be made."""
    text = (
        json.dumps(mutated_json(choices, _DATA))
        if choices.rarely(2)
        else mutated_text(choices, _TEXT, most=2)
    )
    try:
        kind = defined_kind(text, "fuzz.yaml")
    except WrongDefinition as error:
        lines = text.count("\n") + 2
        assert error.faults
        for fault in error.faults:
            assert 1 <= fault.line <= lines
            assert fault.column >= 1
        return False
    _use(choices, kind)
    return True


def _use(choices: Choices, kind: DefinedKind) -> None:
    json.dumps(published(kind.parameters))
    assert kind.digest == defined_kind(kind.defined_by.text).digest
    for step in kind.definition.steps:
        sql = getattr(step, "sql", "")
        for one in placeholders(sql, "postgres"):
            assert sql[one.start : one.end] == f":{one.name}"
        for_postgresql(sql)
        for_duckdb(sql)
    sent = {name: odd_value(choices) for name in kind.definition.parameters if choices.rarely(3)}
    try:
        stored = kind.stored_parameters(sent)
    except (ValidationError, ValueError):
        return
    values_in_sql(kind.definition, kind.read_parameters(stored))
    assert list(kind.step_names(None, ["html"]))[-1] == "html"
