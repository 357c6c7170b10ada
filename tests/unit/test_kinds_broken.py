"""A kind that cannot be used costs itself, and neither the other kinds nor the service."""

import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import distributions
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest

from waybill.kinds import Kind, Registry, UnavailableKind, UnknownOutput, checks
from waybill.kinds.registry import registry_of

_numbers = count()

DEFINITION = """
from datetime import date, timedelta
from pydantic import ConfigDict, Field, Secret, SecretStr, field_validator
from waybill.kinds import Kind, Parameters

class Inner(Parameters):
    default: SecretStr
    more: list["Inner"] = []

class Harmless(Parameters):
    # It refers to itself, and has the name of what marks a secret.
    writeOnly: bool = False
    more: list["Harmless"] = []

class P(Parameters):
    {field}

def steps(parameters):
    return ["one"]

fields = dict(name="{name}", title="T", description="D", parameters=P, steps=steps, implementation="a:b")
KIND = Kind(**(fields | dict({changes})))
"""


class Install(Protocol):
    def __call__(
        self, package: str, name: str, text: str | None = None, *, field: str = "pass", changes: str = ""
    ) -> None: ...


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def install(folder: Path) -> Install:
    """A package whose module is `text`; without it, a kind with this `field` and these `changes`."""

    def installed(
        package: str, name: str, text: str | None = None, *, field: str = "pass", changes: str = ""
    ) -> None:
        module = f"broken_{next(_numbers)}"
        if text is None:
            text = DEFINITION.format(name=name, field=field, changes=changes)
        (folder / f"{module}.py").write_text(text)
        metadata = folder / f"{package}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[waybill.kinds]\n{name} = {module}:KIND\n")

    return installed


def registry(folder: Path) -> Registry:
    return registry_of(
        entry for distribution in distributions(path=[str(folder)]) for entry in distribution.entry_points
    )


def test_a_kind_that_is_right_is_found(folder: Path, install: Install) -> None:
    install("acme", "good")

    assert [kind.name for kind in registry(folder)] == ["good"]
    assert registry(folder).broken == ()


def test_a_kind_may_offer_outputs(folder: Path, install: Install) -> None:
    install("acme", "good", changes="outputs=('html', 'by-month', 'a' * 30)")

    (kind,) = registry(folder)

    assert kind.wanted_outputs(None) == ("html",)
    assert kind.wanted_outputs(["by-month", "html"]) == ("by-month", "html")
    with pytest.raises(UnknownOutput, match=r"^The kind good offers html, by-month, a+, not pdf\.$"):
        kind.wanted_outputs(["html", "pdf"])


def test_a_kind_without_outputs_has_none_to_choose_from(folder: Path, install: Install) -> None:
    install("acme", "good")

    (kind,) = registry(folder)

    assert kind.wanted_outputs(None) == ()
    with pytest.raises(UnknownOutput, match="The kind good has no outputs, not pdf"):
        kind.wanted_outputs(["pdf"])


def test_every_field_of_a_kind_has_a_rule() -> None:
    assert {name for name, _, _ in checks._RULES} == {field.name for field in fields(Kind)}


def test_a_parameter_without_a_secret_in_it_is_none(folder: Path, install: Install) -> None:
    install("acme", "good", field="extra: dict[str, Harmless] = Field({}, examples=[{'writeOnly': True}])")

    assert registry(folder).broken == ()


def test_a_name_that_two_packages_offer_is_the_name_of_neither(folder: Path, install: Install) -> None:
    install("acme", "sales")
    install("bolt", "sales")
    install("good", "good")

    found = registry(folder)

    assert [kind.name for kind in found] == ["good"]
    (broken,) = found.broken
    assert broken.reason == (
        "the package acme 1.0 and the package bolt 1.0 both offer it; uninstall one of them."
    )
    with pytest.raises(UnavailableKind, match=r"^The kind sales cannot be used here: the package acme 1\.0"):
        found["sales"]


def test_a_name_that_three_packages_offer_is_that_of_none(folder: Path, install: Install) -> None:
    for package in ("acme", "bolt", "cask"):
        install(package, "sales")

    (broken,) = registry(folder).broken

    assert broken.reason == (
        "the package acme 1.0, the package bolt 1.0 and the package cask 1.0 all offer it; "
        "uninstall all but one of them."
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nowhere_to_be_found", "cannot be imported: ModuleNotFoundError: No module named 'nowhere"),
        ("raise RuntimeError('not today\\nsecond line')", "cannot be imported: RuntimeError: not today."),
        ("raise SystemExit(3)", "cannot be imported: SystemExit: 3."),
        ("KIND = 7", "its entry point names int, not a Kind."),
        ("", "cannot be imported: AttributeError"),
    ],
)
def test_a_module_that_cannot_be_imported_costs_its_own_kind(
    folder: Path, install: Install, text: str, words: str
) -> None:
    install("acme", "bad", text)
    install("good", "good")

    found = registry(folder)

    assert [kind.name for kind in found] == ["good"]
    (broken,) = found.broken
    assert broken.name == "bad"
    assert broken.reason.startswith("in the package acme 1.0, ")
    assert words in broken.reason
    assert "\n" not in broken.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("max_attempts=0", "its max_attempts must be a whole number from 1, not 0"),
        ("max_attempts=True", "its max_attempts must be"),
        ("max_attempts='3'", "its max_attempts must be"),
        ("timeout=timedelta(0)", "its timeout must be a timedelta above 0"),
        ("timeout=60", "its timeout must be"),
        ("steps=['one']", "its steps must be a function"),
        ("steps=lambda parameters: parameters.nothing", "its definition cannot be used: AttributeError"),
        ("steps=lambda _: [1]", "its steps must be a list of the steps' names"),
        ("steps=lambda _: 'one'", "its steps must be a list of the steps' names"),
        ("fresh_process='no'", "its fresh_process must be True or False, not 'no'"),
        ("fresh_process=1", "its fresh_process must be True or False"),
        ("parameters=dict", "its parameters must be a subclass of waybill.kinds.Parameters"),
        ("parameters=None", "its parameters must be"),
        ("implementation='nothing'", "its implementation must be like package.module:function"),
        ("name=''", "its name must be"),
        ("title=None", "its title must be a text"),
        ("outputs=['html']", "its outputs must be a tuple of at most 10 different names"),
        ("outputs=('html', 'html')", "its outputs must be"),
        ("outputs=('HTML',)", "its outputs must be"),
        ("outputs=('html\\n',)", "its outputs must be"),
        ("outputs=('a' * 31,)", "its outputs must be"),
        ("outputs=(7,)", "its outputs must be"),
        ("outputs=tuple(f'o{number}' for number in range(11))", "its outputs must be"),
        ("outputs='html'", "its outputs must be"),
    ],
)
def test_a_wrong_definition_costs_its_own_kind(
    folder: Path, install: Install, changes: str, words: str
) -> None:
    install("acme", "bad", changes=changes)
    install("good", "good")

    found = registry(folder)

    assert [kind.name for kind in found] == ["good"]
    (broken,) = found.broken
    assert words in broken.reason
    assert broken.reason.startswith("in the package acme 1.0, ")


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("token: SecretStr | None = None", "its parameter token is a secret"),
        ("token: list[SecretStr] = []", "its parameter token is a secret"),
        ("token: tuple[int, SecretStr] | None = None", "its parameter token is a secret"),
        ("token: dict[str, SecretStr] = {}", "its parameter token is a secret"),
        ("token: dict[SecretStr, int] = {}", "its parameter token is a secret"),
        ("token: list[Inner] = []", "its parameter token is a secret"),
        ("token: dict[str, Inner | int] = {}", "its parameter token is a secret"),
        ("token: SecretStr\n    more: list['P'] = []", "its parameter token is a secret"),
        ("token: Secret[date] | None = None", "its parameter token is a secret"),
        ("call: type = int", "its parameters have no JSON Schema"),
        (
            "number: int = Field(default=1, validate_default=True)\n"
            "    @field_validator('number')\n"
            "    def shift(cls, number): import uuid; return uuid.uuid4().int",
            "reads what would be stored as other values",
        ),
    ],
)
def test_parameters_that_do_not_survive_the_way_to_the_slot_cost_their_own_kind(
    folder: Path, install: Install, field: str, words: str
) -> None:
    install("acme", "bad", field=field)

    (broken,) = registry(folder).broken

    assert words in broken.reason
