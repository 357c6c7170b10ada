"""An audit that got no answer never looks like one that found nothing."""

import io
import json

import pytest

from local.supply import audit
from local.supply.audit import Outcome

FLASK, CLICK = ("flask", "3.1.3"), ("click", "8.5.1")
USERS = {FLASK: ["a.txt", "b.txt"], CLICK: ["a.txt"]}
NOT_FOUND = "Dependency not found on PyPI and could not be audited: click (8.5.1)"


def said(*dependencies: dict[str, object]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def dependency(package: audit.Package, *vulnerabilities: str) -> dict[str, object]:
    name, version = package
    return {"name": name, "version": version, "vulns": [{"id": known} for known in vulnerabilities]}


def test_each_package_that_got_an_answer_has_its_findings() -> None:
    answer = audit.read_answer(
        said(dependency(FLASK, "PYSEC-1", "PYSEC-2"), dependency(CLICK)), "", [FLASK, CLICK]
    )

    assert answer.findings == {FLASK: ["PYSEC-1", "PYSEC-2"], CLICK: []}
    assert answer.reason == ""


def test_one_that_the_service_does_not_know_has_none() -> None:
    """As pip-audit answers behind a mirror: exit code 0, and on stderr "No known vulnerabilities found"."""
    skipped: dict[str, object] = {"name": "click", "skip_reason": NOT_FOUND}

    answer = audit.read_answer(
        said(dependency(FLASK), skipped), "No known vulnerabilities found\n", [FLASK, CLICK]
    )

    assert answer.findings == {FLASK: []}
    assert answer.reason == NOT_FOUND


@pytest.mark.parametrize(
    "stdout", ["", "null", "[]", "{}", "Traceback", json.dumps({"dependencies": None})], ids=repr
)
def test_what_is_no_answer_has_the_last_line_as_its_reason(stdout: str) -> None:
    answer = audit.read_answer(stdout, "Traceback:\n  File …\nConnectionError: no such host\n\n", [FLASK])

    assert answer == audit.Answer({}, "ConnectionError: no such host")


def test_another_version_than_was_asked_about_is_no_answer() -> None:
    assert audit.read_answer(said(dependency(("flask", "3.0"))), "", [FLASK]).findings == {}


def test_one_that_is_left_out_has_no_answer() -> None:
    assert audit.read_answer(said(), "", [FLASK]).findings == {}


@pytest.mark.parametrize(
    ("findings", "outcome", "text", "not_text"),
    [
        ({FLASK: [], CLICK: []}, Outcome.CLEAN, "2 packages of all locks: no known vulnerability", "skipped"),
        (
            {FLASK: ["PYSEC-1"], CLICK: []},
            Outcome.VULNERABLE,
            "flask 3.1.3: PYSEC-1; in a.txt, b.txt",
            "skipped",
        ),
        ({FLASK: []}, Outcome.NOT_AUDITED, "audit skipped for 1 of 2 packages", "no known vulnerability"),
        ({}, Outcome.NOT_AUDITED, "nothing is known: pypi: no such host", "no known vulnerability"),
        (
            {FLASK: ["PYSEC-1"]},
            Outcome.VULNERABLE,
            "audit skipped for 1 of 2 packages",
            "no known vulnerability",
        ),
    ],
    ids=["clean", "vulnerable", "one is not known", "none is known", "vulnerable, and one is not known"],
)
def test_the_report_says_what_is_known(
    findings: dict[audit.Package, list[str]], outcome: Outcome, text: str, not_text: str
) -> None:
    out = io.StringIO()

    assert audit.report(USERS, findings, ["pypi: no such host"], out) is outcome
    assert text in out.getvalue()
    assert not_text not in out.getvalue()


def test_only_a_whole_audit_ends_with_0() -> None:
    assert [outcome.name for outcome in Outcome if outcome == 0] == ["CLEAN"]


def test_a_package_in_two_versions_is_asked_about_in_two_parts() -> None:
    packages = [("numpy", "2.4"), FLASK, ("numpy", "2.5")]

    assert audit.one_version_each(packages) == [[("numpy", "2.4"), FLASK], [("numpy", "2.5")]]
