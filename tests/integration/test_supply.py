"""The real tools on the real locks: the bills of materials, the audit, and the check of the workflows."""

import io
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from local.supply import audit, locks, sbom, workflows
from local.supply.audit import Outcome
from tests.support.http_server import Request, Route, serving

IMAGE_PYTHON = {
    "sys_platform": "linux",
    "platform_python_implementation": "CPython",
    "python_full_version": "3.11.9",
}


@pytest.fixture(scope="module")
def boms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    files = sbom.write(io.StringIO(), tmp_path_factory.mktemp("build") / "sbom")
    return {file.name.removesuffix(".cdx.json"): json.loads(file.read_text()) for file in files}


def installed(image: str) -> dict[str, tuple[str, set[str]]]:
    """By name: version and hashes of what pip would install in an image, read by other means."""
    text = locks.of_image(image).read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        requirement = Requirement(line.partition("--hash")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate(IMAGE_PYTHON):
            assert requirement.name not in found
            hashes = set(re.findall(r"sha256:([0-9a-f]{64})", line))
            found[requirement.name] = (str(requirement.specifier).removeprefix("=="), hashes)
    return found


@pytest.mark.parametrize("image", locks.IMAGES)
def test_the_bill_of_materials_names_each_package_of_the_image_with_version_and_hash(
    boms: dict[str, Any], image: str
) -> None:
    named = {
        component["name"]: (
            component["version"],
            {
                digest["content"]
                for reference in component["externalReferences"]
                for digest in reference["hashes"]
                if digest["alg"] == "SHA-256"
            },
        )
        for component in boms[image]["components"]
    }

    assert named == installed(image)
    assert len(named) > 50


@pytest.mark.parametrize("image", locks.IMAGES)
def test_it_is_cyclonedx_of_that_image(boms: dict[str, Any], image: str) -> None:
    bom = boms[image]

    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    assert bom["metadata"]["component"]["name"] == image
    assert all(
        re.fullmatch(r"pkg:pypi/[\w.-]+@[\w.+-]+", component["purl"]) for component in bom["components"]
    )
    # The same lock gives the same bytes: no time, and no address of the machine that wrote it.
    assert "timestamp" not in bom["metadata"]
    assert "serialNumber" not in bom


def test_an_entry_without_a_hash_is_no_bill_of_materials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("flask==3.1.3\n")
    monkeypatch.setattr(locks, "of_image", lambda _image: lock)

    with pytest.raises(sbom.SbomError, match="is no version with hashes"):
        sbom.write(io.StringIO(), tmp_path / "build/sbom")


@pytest.fixture
def one_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    digest = "--hash=sha256:" + "0" * 64
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"jinja2==3.1.2 \\\n    {digest}\nclick==8.5.1 \\\n    {digest}\n")
    monkeypatch.setattr(locks, "all_locks", lambda: [lock])
    monkeypatch.setattr(audit, "CHECKOUT", tmp_path)


KNOWN = {
    "id": "PYSEC-0000-1",
    "summary": "a test",
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "versions": ["3.1.2"],
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.3"}]}],
        }
    ],
}


@contextmanager
def service(route: Route) -> Iterator[str]:
    """The address of an OSV service that answers so."""
    with serving() as server:
        server.routes["POST /v1/query"] = route
        yield f"{server.url}/v1/query"


def osv(request: Request) -> None:
    name = request.body["package"]["name"]
    request.json({"vulns": [KNOWN]} if name == "jinja2" else {})


def knows_nothing_bad(request: Request) -> None:
    request.json({})


def out_of_order(request: Request) -> None:
    request.json({"error": "try again later"}, status=503)


@pytest.mark.usefixtures("one_lock")
def test_a_known_vulnerability_is_found() -> None:
    out = io.StringIO()
    with service(osv) as url:
        outcome = audit.audit(out, ["osv"], url)

    assert outcome is Outcome.VULNERABLE
    assert "jinja2 3.1.2: PYSEC-0000-1; in requirements.txt" in out.getvalue()
    assert "1 of 2 packages have known vulnerabilities" in out.getvalue()


@pytest.mark.usefixtures("one_lock")
def test_without_one_all_packages_are_said_to_have_been_audited() -> None:
    out = io.StringIO()
    with service(knows_nothing_bad) as url:
        outcome = audit.audit(out, ["osv"], url)

    assert (outcome, out.getvalue()) == (Outcome.CLEAN, "2 packages of all locks: no known vulnerability\n")


@pytest.mark.usefixtures("one_lock")
@pytest.mark.parametrize("answers", [True, False], ids=["503", "nobody listens"])
def test_a_service_that_cannot_be_asked_is_said_not_to_have_been(answers: bool) -> None:
    out = io.StringIO()
    with service(out_of_order) as url:
        if answers:
            outcome = audit.audit(out, ["osv"], url)
    if not answers:
        outcome = audit.audit(out, ["osv"], url)

    assert outcome is Outcome.NOT_AUDITED
    assert out.getvalue().startswith("audit skipped for 2 of 2 packages, of which nothing is known: osv: ")
    assert "no known" not in out.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Copies of the workflows and of Renovate's configuration."""
    folder = tmp_path / "repository/.github/workflows"
    shutil.copytree(workflows.WORKFLOWS, folder)
    return folder, Path(shutil.copy(workflows.RENOVATE, tmp_path / "renovate.json"))


def test_the_workflows_are_as_they_should_be(files: tuple[Path, Path]) -> None:
    assert workflows.check(*files) == 0


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("release.yaml", r"(actions/checkout)@\S+ # v\S+", r"\1@v6"),
        ("release.yaml", r"echo \"\$DIGEST\"", r'echo "${{ github.event.head_commit.message }}"'),
        ("release.yaml", r"permissions: \{contents: read\}", "permissions: write-all"),
        ("check.yaml", r"runs-on: ubuntu-24.04", "runs_on: ubuntu-24.04"),
        ("renovate.json", r'"dependencyDashboardApproval": true', '"dependencyDashboardApproval": "yes"'),
    ],
    ids=["an action by its tag", "a text of others in a script", "every permission", "no key", "no value"],
)
def test_what_is_wrong_in_them_is_found(files: tuple[Path, Path], file: str, old: str, new: str) -> None:
    path = next(path for path in (files[1], files[0] / file) if path.name == file)
    changed, count = re.subn(old, new, path.read_text())
    assert count > 0
    path.write_text(changed)

    assert workflows.check(*files) == 1
