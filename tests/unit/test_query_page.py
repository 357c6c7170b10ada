"""docs/query.md: each example is a definition, and no key is without one."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from waybill.definitions import defined_kind, definition_schema

PAGE = Path(__file__).parents[2] / "docs/query.md"
_YAML = YAML(typ="safe", pure=True)
EXAMPLES = [
    example
    for example in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    if "sources" not in _YAML.load(example)
]
WHOLE, *PARTS = EXAMPLES
_TEXT = YAML()


def whole(part: str) -> str:
    """The first example with the keys of another in place of its own."""
    text = StringIO()
    _TEXT.dump({**_YAML.load(WHOLE), **_YAML.load(part)}, text)
    return text.getvalue()


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


@pytest.mark.parametrize("text", [WHOLE, *map(whole, PARTS)])
def test_each_example_is_right(text: str) -> None:
    assert defined_kind(text, "sales.yaml").name == "query:sales"


def test_every_key_has_an_example() -> None:
    schema = definition_schema()
    models = {"Definition": schema, **schema["$defs"]}
    known = {name for model in models.values() for name in model.get("properties", {})}
    shown = {name for example in EXAMPLES for name in keys(_YAML.load(example))}
    assert known - shown == {"body"}  # which only a POST has


def test_every_choice_has_an_example() -> None:
    text = "".join(EXAMPLES)
    for name, model in definition_schema()["$defs"].items():
        if name in ("ChartType", "Output", "ParameterType"):
            assert [one for one in model["enum"] if not re.search(rf"\b{one}\b", text)] == []
