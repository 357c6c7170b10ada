"""What a run of the faults says, and when it is a success."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.faults import report
from tests.faults.checker import Harm, Violation
from tests.faults.injectors import LANES
from tests.faults.run import Outcome


def outcome(
    *violations: Violation, injected: int = 3, recoveries: tuple[float, ...] = (4.0, 1.0, 2.5)
) -> Outcome:
    return Outcome("worker-kill", injected, 10, 1, violations, recoveries, 12.0)


def breach(harm: Harm, subject: str = "r1") -> Violation:
    return Violation(harm, "name", subject, "detail")


def test_the_file_has_the_figures_of_each_fault(tmp_path: Path) -> None:
    file = tmp_path / "build/faults.json"
    report.write(file, 7, [outcome(breach(Harm.LOST), breach(Harm.LOST), breach(Harm.STUCK, "r2"))])
    assert json.loads(file.read_text()) == {
        "seed": 7,
        "faults": [
            {
                "name": "worker-kill",
                "injected": 3,
                "lost": 1,
                "doubled": 0,
                "stuck": 1,
                "recovery_p50_s": 2.5,
                "recovery_max_s": 4.0,
            }
        ],
    }


def test_nothing_measured_is_null(tmp_path: Path) -> None:
    report.write(tmp_path / "faults.json", 7, [outcome(recoveries=())])
    (fault,) = json.loads((tmp_path / "faults.json").read_text())["faults"]
    assert (fault["recovery_p50_s"], fault["recovery_max_s"]) == (None, None)


def test_a_sound_run_passes() -> None:
    assert report.passed([outcome()])


@pytest.mark.parametrize("harm", Harm)
def test_a_breach_of_any_class_fails(harm: Harm) -> None:
    assert not report.passed([outcome(), outcome(breach(harm))])


def test_a_fault_that_never_struck_fails() -> None:
    assert not report.passed([outcome(injected=0)])


def test_no_faults_at_all_fail() -> None:
    assert not report.passed([])


def test_the_table_shows_the_lease_and_the_cases() -> None:
    console = Console(file=StringIO(), width=80)
    report.show(console, 7, [outcome(breach(Harm.DOUBLED, "r5"))], 90)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "lease 3 s, 1.5 min in all" in text
    assert "r5: detail" in text


def test_each_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for lane in LANES for fault in lane.faults]
    assert len(names) == len(set(names))
