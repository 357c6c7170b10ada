"""Texts with values in braces: `{month}`, `{totals.flights}`, `{totals.share:percent}`; `{{` is a brace."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_REFERENCE = re.compile(r"([a-z][a-z0-9_]*)(?:\.([^:{}]+))?(?::([a-z]+))?", re.ASCII)


@dataclass(frozen=True)
class Reference:
    """A value that a text names: a parameter, or a `column` of the first row of a step's result. `position`
    counts from 0."""

    name: str
    column: str | None
    format: str | None
    position: int


@dataclass(frozen=True)
class BraceFault:
    """What is wrong in a text, and at which position."""

    position: int
    reason: str


def parts(text: str) -> Iterator[str | Reference | BraceFault]:
    """The text's pieces in order."""
    end = 0
    for found in _PART.finditer(text):
        if found.start() > end:
            yield text[end : found.start()]
        end = found.end()
        if found[0] in ("{{", "}}"):
            yield found[0][0]
        elif found[1] is None:
            yield BraceFault(found.start(), f"a single {found[0]}: write {found[0] * 2} for a brace.")
        elif named := _REFERENCE.fullmatch(found[1].strip()):
            yield Reference(named[1], named[2], named[3], found.start())
        else:
            yield BraceFault(
                found.start(), f"{found[0]!r} is no value: write {{month}} or {{step.column:percent}}."
            )
    if end < len(text):
        yield text[end:]


def references(text: str) -> list[Reference]:
    """The values that it names."""
    return [one for one in parts(text) if isinstance(one, Reference)]


def faults(text: str) -> list[BraceFault]:
    """What is wrong with its braces."""
    return [one for one in parts(text) if isinstance(one, BraceFault)]


def fill(text: str, value: Callable[[Reference], str], plain: Callable[[str], str] = str) -> str:
    """The text with each value in its place; `plain` is what becomes of the pieces in between. Of a text that
    has faults, each stays as it is."""
    filled = []
    for one in parts(text):
        if isinstance(one, Reference):
            filled.append(value(one))
        elif isinstance(one, str):
            filled.append(plain(one))
        else:
            filled.append(plain(text[one.position : one.position + 1]))
    return "".join(filled)
