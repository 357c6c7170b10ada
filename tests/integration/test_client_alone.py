"""The client and its command install without the services, and find more commands where those are."""

import os
import subprocess
from pathlib import Path

import pytest

from local import cache
from local.install import python
from tests.conftest import TESTS

ROOT = TESTS.parent
UV = cache.root() / f"uv-{python.pinned_version(ROOT / 'local/requirements/uv.txt')}" / "uv"
NOT_NEEDED = ("confluent", "sqlalchemy", "flask", "opentelemetry", "psycopg", "alembic", "waybill-0")

BROKEN = """\
[project]
name = "broken"
version = "0"
[project.entry-points."waybill.commands"]
absent = "there_is_no_such_module:register"
exits = "broken_commands.exits:register"
fails = "broken_commands:register"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel]
packages = ["broken_commands"]
"""
FAILS = 'def register(app):\n    raise ValueError("two\\nlines")\n'
EXITS = 'raise SystemExit("it exits")\n'


def uv(*arguments: str | Path) -> str:
    environment = {**os.environ, **python.uv_environment()}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run([UV, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the client and what it needs."""
    folder = tmp_path_factory.mktemp("client") / "venv"
    uv("venv", folder)
    uv("pip", "install", "--python", folder / "bin/python", ROOT / "services/client")
    return folder


def waybill(alone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([alone / "bin/waybill", *arguments], capture_output=True, text=True, check=False)


def test_it_brings_nothing_of_the_services(alone: Path) -> None:
    packages = uv("pip", "list", "--python", alone / "bin/python", "--format", "freeze").lower()

    assert "waybill-client" in packages
    assert not [name for name in NOT_NEEDED if name in packages.replace("==", "-")]


def test_its_commands_work_without_them(alone: Path) -> None:
    help_text = waybill(alone, "--help").stdout
    assert "request" in help_text
    assert "migrate" not in help_text, "that is a command of the services"

    away = waybill(alone, "--api-url", "http://127.0.0.1:1", "show", "019ab000-0000-7000-8000-000000000001")

    assert away.returncode == 3
    assert away.stderr.startswith("waybill: Cannot reach Waybill's API at http://127.0.0.1:1: ")


def test_a_distribution_whose_commands_are_broken_costs_only_those(alone: Path, tmp_path: Path) -> None:
    package = tmp_path / "broken_commands"
    package.mkdir()
    (package / "__init__.py").write_text(FAILS)
    (package / "exits.py").write_text(EXITS)
    (tmp_path / "pyproject.toml").write_text(BROKEN)
    uv("pip", "install", "--python", alone / "bin/python", tmp_path)

    done = waybill(alone, "request", "--help")

    assert done.returncode == 0
    assert done.stderr == (
        "waybill: the commands of there_is_no_such_module:register are left out:"
        " ModuleNotFoundError: No module named 'there_is_no_such_module'\n"
        "waybill: the commands of broken_commands.exits:register are left out: SystemExit: it exits\n"
        "waybill: the commands of broken_commands:register are left out: ValueError: two lines\n"
    )
