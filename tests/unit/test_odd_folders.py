"""A checkout may be in a folder with any name. The stack of the integration tests is in one, too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import waybill

SCRIPT = """
import waybill
from alembic.script import ScriptDirectory
from waybill.store.migrate import _config
from waybill.store.schema import revisions
script = ScriptDirectory.from_config(_config())
print(waybill.__file__)
print(*sorted(one.revision for one in script.walk_revisions()))
print(*revisions())
print(script.get_current_head(), revisions()[-1])
"""


@pytest.mark.parametrize("name", ["feature%2Fbill", "100%", "%(here)s", "a b", "$HOME", "é ☃"])
def test_migrations_are_found_whatever_the_folder_is_called(name: str, tmp_path: Path) -> None:
    package = tmp_path / name / "waybill"
    shutil.copytree(Path(waybill.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))

    found = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    names = sorted(file.name[:4] for file in (package / "store/migrations/versions").glob("0*.py"))
    assert found.stdout.splitlines() == [
        str(package / "__init__.py"),
        " ".join(names),
        " ".join(names),
        f"{names[-1]} {names[-1]}",
    ], found.stderr
