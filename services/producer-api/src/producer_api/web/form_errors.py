"""What is wrong with a form that was sent: beside its fields, and in a list above them that leads there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from producer_api.problems import FieldError
from producer_api.web.fields import PREFIX, FormField

_LONGEST_PLACE: Final = 6
"""Digits of a place in a list."""
_OTHERS: Final = {
    "tags": "Tags",
    "priority": "Priority",
    "timeout_seconds": "Time limit",
    "save_as": "Name",
    "parameters": "Parameters",
}
"""Elements of every form besides the parameters' own: their ids and titles."""
_OUTPUTS: Final = ("outputs", "Files")
_ELSEWHERE: Final = {"name": "save_as"}
"""Fields that a form calls otherwise."""
_PARTS: Final = {"first": "First day", "last": "Last day"}


@dataclass(frozen=True)
class Listed:
    """One field in the list. `target`: the id of its element; None where the form has none."""

    title: str
    messages: Sequence[str]
    target: str | None = None


def errors_by_field(errors: Sequence[FieldError]) -> dict[str, list[str]]:
    """Sentences by the id of the form's field: `p.month` of parameters, else as it is called, `tags`."""
    found: dict[str, list[str]] = {}
    for one in errors:
        first, *within = one.field.split(".")
        if first == "parameters" and within:
            first, *within = f"{PREFIX}{within[0]}", *within[1:]
        key = _ELSEWHERE.get(first, first)
        sentences = found.setdefault(key, [])
        if (said := _sentence(within, one.message)) not in sentences:
            sentences.append(said)
    return found


def listed(
    errors: Mapping[str, Sequence[str]], fields: Sequence[FormField], *, has_outputs: bool
) -> Iterator[Listed]:
    """In the order of the form. `errors`: as `errors_by_field` has them."""
    titles = {one.key: one.title for one in fields} | dict([_OUTPUTS] if has_outputs else []) | _OTHERS
    for key, title in titles.items():
        if key in errors:
            yield Listed(title, errors[key], key)
    for key, messages in errors.items():
        if key not in titles:
            yield Listed(key.removeprefix(PREFIX), messages)


def as_sentence(message: str) -> str:
    """`must be text` as `Must be text.`"""
    return message[:1].upper() + message[1:] + ("" if message.endswith((".", "?", "!")) else ".")


def _sentence(within: Sequence[str], message: str) -> str:
    places = [
        f"value {int(one) + 1}" if one.isdecimal() and len(one) <= _LONGEST_PLACE else _PARTS.get(one, one)
        for one in within
    ]
    return as_sentence(f"{', '.join(places)}: {message}" if places else message)
