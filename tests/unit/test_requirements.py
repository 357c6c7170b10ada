"""An image has everything that its packages import: the environment of the tests has more, and hides it."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from local.supply import locks

SERVICES = Path(__file__).resolve().parents[2] / "services"
OURS = {"waybill", "waybill_client", "producer_api", "report_worker"}
PACKAGES = {
    "producer-api": ("common", "client", "producer-api"),
    "report-worker": ("common", "client", "report-worker"),
}
"""What the Dockerfile of each image installs beside its requirements."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(service: str) -> set[str]:
    text = (SERVICES / service / "requirements.txt").read_text()
    return {normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", text, re.MULTILINE)}


def imported(package: str) -> Iterator[tuple[str, Path]]:
    """Every module of others that is imported when ours are, wherever the import stands in the file."""
    for file in (SERVICES / package / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from ((alias.name, file) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module, file


@pytest.fixture(scope="module")
def owners() -> dict[str, str]:
    """The distribution of each installed module; of a namespace, none."""
    found = {}
    for distribution in metadata.distributions():
        for file in distribution.files or ():
            if file.suffix in (".py", ".so") and ".." not in file.parts:
                parts = (
                    file.parts[:-1]
                    if file.stem == "__init__"
                    else (*file.parts[:-1], file.name.partition(".")[0])
                )
                found[".".join(parts)] = normal(distribution.metadata["Name"])
    return found


def owner_of(module: str, owners: dict[str, str]) -> str | None:
    """Of the module, or of the nearest package around it: a compiled package has its submodules inside."""
    while module and module not in owners:
        module = module.rpartition(".")[0]
    return owners.get(module)


@pytest.mark.parametrize("service", PACKAGES)
def test_an_image_has_what_its_packages_import(service: str, owners: dict[str, str]) -> None:
    installed = required(service)
    missing, found = [], set()
    for package in PACKAGES[service]:
        for module, file in imported(package):
            if module.partition(".")[0] in OURS | sys.stdlib_module_names:
                continue
            owner = owner_of(module, owners)
            if owner is None:  # a namespace that several distributions share
                continue
            found.add(owner)
            if owner not in installed:
                missing.append(f"{file.relative_to(SERVICES)}: {module} of {owner}")
    assert len(found) > 10
    assert missing == []


@pytest.mark.parametrize("service", PACKAGES)
def test_an_image_has_the_versions_that_the_tests_ran_with(service: str) -> None:
    tested = {
        (entry.name, entry.version): entry.hashes
        for entry in locks.read(SERVICES.parent / "tests/requirements.txt")
    }

    differ = [
        f"{entry.name} {entry.version}"
        for entry in locks.read(locks.of_image(service))
        if tested.get((entry.name, entry.version)) != entry.hashes
    ]
    assert differ == []


def test_each_package_has_what_it_requires_in_a_version_that_it_allows() -> None:
    """Locks are installed without a look at this, and may be changed by one package at a time."""
    installed = {normal(one.metadata["Name"]): one for one in metadata.distributions()}
    # What `make lock` leaves out, and why, is in local/lock.
    left_out = {"pandas"}
    wrong, checked = [], 0
    for name, distribution in installed.items():
        for text in distribution.requires or ():
            requirement = Requirement(text)
            other = normal(requirement.name)
            if (requirement.marker and not requirement.marker.evaluate({"extra": ""})) or other in left_out:
                continue
            checked += 1
            found = installed.get(other)
            if found is None or not requirement.specifier.contains(found.version, prereleases=True):
                wrong.append(f"{name} requires {text}, and has {found.version if found else 'none'}")
    assert checked > 100
    assert wrong == []
