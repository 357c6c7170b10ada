"""Texts that would be more than text on a page that shows them as they are, and definitions full of them."""

import json
from pathlib import Path
from typing import Final

HIDDEN: Final = "not-shown"
"""What a column has that no page asks for."""


def hostile(of: str) -> str:
    """Leaves text, an attribute, or a script, if it is put there as it is. Says what it is of."""
    return f"{of}\"'><img src=x onerror=ran=1>"


def in_yaml(of: str) -> str:
    return json.dumps(hostile(of))


_TITLED: Final = f"optional: true, title: {in_yaml('definition.parameter')}"
_FROM_QUERY: Final = f"{_TITLED}, choices: {{source: any, sql: select 1}}"
DEFINITION: Final = f"""\
waybill: 1
name: hostile
title: {in_yaml("definition.title")}
description: {in_yaml("definition.description")}
parameters:
  one:
    type: text
    title: {in_yaml("definition.parameter")}
    description: {in_yaml("definition.parameter")}
    choices: [{{value: {in_yaml("definition.choice")}, label: {in_yaml("definition.label")}}}, b]
    optional: true
  said: {{type: text, default: {in_yaml("definition.default")}}}
  free: {{type: text, {_TITLED}, pattern: {in_yaml("definition.pattern")}}}
  lines: {{type: text, multiple: true, optional: true}}
  number: {{type: number, optional: true}}
  period: {{type: date_range, {_TITLED}}}
  few: {{type: text, {_FROM_QUERY}}}
  several: {{type: text, {_FROM_QUERY}}}
  many: {{type: text, multiple: true, {_FROM_QUERY}}}
  unread: {{type: text, {_FROM_QUERY}}}
steps:
  - name: all
    source: any
    sql: |
      select '{hostile("definition.sql").replace("'", "")}' as a
sections:
  - blocks:
      - table: {{from: all}}
"""
BROKEN: Final = f"""\
waybill: 1
name: broken
title: Broken
{in_yaml("definition.fault")}: 1
"""


def choices() -> str:
    """As a worker writes them, of the definition above."""
    one = {"value": hostile("choice_lists.content"), "label": hostile("choice.label")}
    more = [{"value": f"{number}", "label": None} for number in range(12)]
    lists = {"few": [one], "several": [one, *more], "many": [one, *more]}
    found = {name: {"choices": listed, "more": True} for name, listed in lists.items()}
    return json.dumps({**found, "unread": {"error": hostile("choice.error")}})


def write_definitions(folder: Path) -> Path:
    folder.mkdir()
    (folder / "hostile.yaml").write_text(DEFINITION)
    (folder / f"{hostile('definition.file')}.yaml").write_text(BROKEN)
    return folder
