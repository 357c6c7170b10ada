"""YAML as data, with the place of each value: what a definition, and a file of sources, is read from."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from math import isfinite
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from waybill.definitions.faults import Fault, WrongDefinition

MAX_BYTES = 128 * 1024
_MAX_DEPTH = 30
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"
_SCALARS = frozenset({"str", "timestamp", "value", "int", "float", "bool", "null"})

Path = tuple[str | int, ...]
AnyModel = TypeVar("AnyModel", bound=BaseModel)


@dataclass(frozen=True)
class Place:
    """Of a value, and of the key before it where it has one."""

    line: int
    column: int
    key: tuple[int, int]


class YamlText:
    """A YAML document as JSON-like `data`. Dates are texts; a key is there once; there are no tags, and no
    anchors and aliases, which would let a small text become a large one."""

    def __init__(self, text: str, file: str) -> None:
        """`file`: its name, for people. Raises `WrongDefinition`."""
        self.file = file
        self._places: dict[Path, Place] = {}
        self._faults: list[Fault] = []
        self._seen: set[int] = set()
        self.data: Any = None
        if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
            raise self.wrong([Fault(1, 1, f"must have at most {MAX_BYTES // 1024} KiB.")])
        node = self._compose(text)
        if node is None:
            raise self.wrong([Fault(1, 1, "has nothing in it.")])
        self.data = self._value(node, (), None)
        if self._faults:
            raise self.wrong(self._faults)

    def wrong(self, faults: Sequence[Fault]) -> WrongDefinition:
        return WrongDefinition(self.file, faults)

    def read(self, model: type[AnyModel]) -> AnyModel:
        """The data as a model. Raises `WrongDefinition` with each place where it is none."""
        try:
            return model.model_validate_json(to_json(self.data), strict=True)
        except ValidationError as error:
            keys = _keys_of(model)
            found = error.errors(include_url=False, include_context=True)
            faults = {self._fault(one["loc"], one["type"], one["msg"], keys) for one in found}
            raise self.wrong(sorted(faults)) from None

    def fault(self, path: Path, reason: str, *, at_key: bool = False) -> Fault:
        """At the value with this path, or at the last one on the way that is there."""
        while path not in self._places and path:
            path = path[:-1]
        place = self._places[path]
        line, column = place.key if at_key else (place.line, place.column)
        return Fault(line, column, reason)

    def fault_within(self, path: Path, line: int, column: int, reason: str) -> Fault:
        """At a line and column, both from 1, of a text that is the value with this path. Of a block (`|`) its
        lines are those of the file; of any other, the place is that of the value."""
        place = self._places[path]
        block = self._blocks.get(path)
        if block is None:
            return Fault(place.line, place.column, reason)
        return Fault(block[0] + line - 1, block[1] + column, reason)

    # --- from YAML

    def _compose(self, text: str) -> Node | None:
        self._blocks: dict[Path, tuple[int, int]] = {}
        self._lines = text.splitlines()
        try:
            found: Node | None = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            reason = f"is no YAML: {error.problem or error.context}."
            raise self.wrong([Fault(line, column, reason)]) from None
        except (YAMLError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise self.wrong([Fault(1, 1, f"is no YAML: {reason}.")]) from None
        except RecursionError:
            raise self.wrong([Fault(1, 1, f"is nested more than {_MAX_DEPTH} levels deep.")]) from None
        return found

    def _value(self, node: Node, path: Path, key: Node | None) -> Any:
        self._places[path] = _place(node, key)
        if len(path) > _MAX_DEPTH:
            return self._refuse(node, f"is nested more than {_MAX_DEPTH} levels deep.")
        if id(node) in self._seen or node.anchor:
            return self._refuse(node, "has an anchor or an alias, which are not supported: write it out.")
        self._seen.add(id(node))
        if isinstance(node, MappingNode) and str(node.tag) == f"{_TAG}map":
            return dict(self._entries(node, path))
        if isinstance(node, SequenceNode) and str(node.tag) == f"{_TAG}seq":
            return [self._value(one, (*path, number), None) for number, one in enumerate(node.value)]
        if isinstance(node, ScalarNode) and str(node.tag).removeprefix(_TAG) in _SCALARS:
            return self._scalar(node, path)
        return self._refuse(node, "has a tag, which is not supported: leave it out.")

    def _entries(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        names: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse(key, "must be a text, as every key.")
                continue
            name = str(key.value)
            if _UNUSABLE.search(name):
                self._refuse(key, "must not contain U+0000 or an unpaired surrogate.")
                continue
            if name in names:
                self._refuse(key, f"the key {name!r} is here for the second time.")
            names.add(name)
            yield name, self._value(value, (*path, name), key)

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        name = str(node.tag).removeprefix(_TAG)
        if _UNUSABLE.search(str(node.value)):
            return self._refuse(node, "must not contain U+0000 or an unpaired surrogate.")
        if node.style in ("|", ">"):
            self._note_block(node, path)
        read = _READ.get(name, str)
        try:
            value = read(str(node.value))
        except ValueError:
            return self._refuse(node, f"is no {name}.")
        return value

    def _note_block(self, node: ScalarNode, path: Path) -> None:
        """Its first line with something in it is below the mark, and says how far all are indented."""
        if node.style == "|":
            first = node.start_mark.line + 1
            for line in self._lines[first : node.end_mark.line + 1]:
                if line.strip():
                    self._blocks[path] = (first + 1, len(line) - len(line.lstrip(" ")))
                    return

    def _refuse(self, node: Node, reason: str) -> None:
        self._faults.append(Fault(node.start_mark.line + 1, node.start_mark.column + 1, reason))

    # --- pydantic's errors

    def _fault(self, location: tuple[int | str, ...], kind: str, message: str, keys: Sequence[str]) -> Fault:
        path = self._path_of(location)
        last = location[-1] if location else ""
        if kind == "extra_forbidden":
            near = get_close_matches(str(last), keys, n=1)
            if near == [last]:
                reason = f"there is no key {last!r} here: it belongs to another step, block or type."
            else:
                meant = f"; did you mean {near[0]!r}?" if near else "."
                reason = f"there is no key {str(last)!r} here{meant}"
            return self.fault(path, reason, at_key=True)
        if kind == "missing":
            return self.fault(path, f"the key {str(last)!r} is missing.", at_key=bool(path))
        name = f"{path[-1]}: " if path and isinstance(path[-1], str) else ""
        return self.fault(path, f"{name}{_sentence(message)}")

    def _path_of(self, location: tuple[int | str, ...]) -> Path:
        """The location without what names a member of a union: of the ways to read it, that which leads to
        its last part, or else furthest."""
        ways: list[tuple[Path, bool]] = [((), False)]
        for part in location:
            ways = [
                *((path, False) for path, _ in ways),
                *(((*path, part), True) for path, _ in ways if (*path, part) in self._places),
            ]
        return max(ways, key=lambda way: (way[1], len(way[0])))[0]


def _integer(text: str) -> int:
    plain = text.replace("_", "").lower()
    return int(plain, 0 if plain.lstrip("+-")[:2] in ("0x", "0o", "0b") else 10)


def _number(text: str) -> float:
    value = float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not isfinite(value):
        raise ValueError(text)
    return value


_READ: Mapping[str, Callable[[str], Any]] = {
    "int": _integer,
    "float": _number,
    "bool": lambda text: text.lower() == "true",
    "null": lambda _: None,
}
"""By the rules of YAML 1.2; every other scalar is a text."""


def _place(node: Node, key: Node | None) -> Place:
    mark, before = node.start_mark, (key or node).start_mark
    return Place(mark.line + 1, mark.column + 1, (before.line + 1, before.column + 1))


def _sentence(message: str) -> str:
    """pydantic's, in the form of ours."""
    text = message[:1].lower() + message[1:]
    text = text.replace("input should be", "must be").replace("string", "text")
    return text if text.endswith(".") else f"{text}."


@cache
def _keys_of(model: type[BaseModel]) -> Sequence[str]:
    """Every key that may stand somewhere in it, in order."""
    schema = model.model_json_schema()
    parts: Sequence[Mapping[str, Any]] = (schema, *schema.get("$defs", {}).values())
    return sorted({name for part in parts for name in part.get("properties", {})})
