"""What no template and no module of the pages does: mark a text as HTML."""

import re
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

import producer_api

PACKAGE = Path(producer_api.__file__).parent
TEMPLATES = sorted((PACKAGE / "web" / "templates").glob("*"))
UNESCAPED = (nodes.MarkSafe, nodes.MarkSafeIfAutoescape, nodes.EvalContextModifier)
"""The last: of `autoescape` in a template."""


def unescaped(template: str) -> list[int]:
    """The lines."""
    tree = jinja2.Environment(autoescape=True).parse(template)
    found = [*tree.find_all(UNESCAPED), *(one for one in tree.find_all(nodes.Filter) if one.name == "safe")]
    return [one.lineno for one in found]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_escapes_all_that_it_shows(path: Path) -> None:
    assert path.suffix == ".html", "Flask escapes nothing in others"
    assert unescaped(path.read_text()) == []


@pytest.mark.parametrize(
    "template",
    [
        "{{ a | safe }}",
        "{{ a | upper | safe }}",
        "{{ b(a | safe) }}",
        "{% filter safe %}{{ a }}{% endfilter %}",
        "{% autoescape false %}{{ a }}{% endautoescape %}",
    ],
)
def test_one_that_does_not_is_found(template: str) -> None:
    assert unescaped(template) == [1]


def test_no_module_makes_html() -> None:
    makes = re.compile(r"\b(Markup|__html__|render_template_string)\b")
    modules = [path for path in PACKAGE.rglob("*.py") if makes.search(path.read_text())]
    assert modules == []
