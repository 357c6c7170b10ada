"""Every place that sabotage replaces is still there in the product, and a kill takes one token."""

import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from tests.faults.rig import _write_scripts
from tests.faults.sabotage import TOKENS, read_kills


def test_all_of_it_can_be_built_in() -> None:
    """In a process of its own: it changes the product's modules."""
    code = "from tests.faults.sabotage import BUILT_IN; [build() for build in BUILT_IN.values()]"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=Path(__file__).parents[2])


def test_a_process_dies_once_for_each_token(tmp_path: Path) -> None:
    (tmp_path / "token-0").touch()
    code = "from tests.faults.sabotage import die_if_told; die_if_told(['a', 'b']); print('alive')"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, TOKENS: str(tmp_path)}
    checkout = Path(__file__).parents[2]
    ended = [
        subprocess.run(command, env=environment, cwd=checkout, capture_output=True, timeout=60, check=False)
        for _ in range(2)
    ]
    assert [one.returncode for one in ended] == [-9, 0]
    (kill,) = read_kills(tmp_path)
    assert kill.messages == ("a", "b")


def test_the_kinds_are_found_without_being_installed(tmp_path: Path) -> None:
    _write_scripts(tmp_path, tmp_path)
    (found,) = distributions(path=[str(tmp_path)])
    assert {(entry.group, entry.name, entry.value) for entry in found.entry_points} == {
        ("waybill.kinds", "effect", "waybill_faults:EFFECT"),
        ("waybill.kinds", "resumed", "waybill_faults:RESUMED"),
    }
