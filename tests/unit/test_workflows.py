"""What the workflows promise: every action by its commit, and a release that can be verified."""

import re
from typing import Any

import pytest
import yaml

from tests.conftest import TESTS

FOLDER = TESTS.parent / ".github/workflows"
RELEASE = yaml.safe_load((FOLDER / "release.yaml").read_text())
SECURITY = (TESTS.parent / "SECURITY.md").read_text()


def steps(job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = RELEASE["jobs"][job]["steps"]
    return found


def step(job: str, action: str) -> dict[str, Any]:
    (found,) = [one for one in steps(job) if one.get("uses", "").startswith(f"{action}@")]
    return found


def scripts(job: str) -> str:
    return "\n".join(one.get("run", "") for one in steps(job))


@pytest.mark.parametrize("workflow", sorted(file.name for file in FOLDER.iterdir()))
def test_every_action_is_named_by_its_commit_with_the_version_beside_it(workflow: str) -> None:
    uses = re.findall(r"uses: (.*)", (FOLDER / workflow).read_text())

    wrong = [one for one in uses if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)]
    assert uses
    assert wrong == []


def test_an_action_is_the_same_commit_everywhere() -> None:
    pinned: dict[str, set[str]] = {}
    for workflow in FOLDER.glob("*.yaml"):
        for action, commit in re.findall(r"uses: ([\w./-]+)@(.*)", workflow.read_text()):
            pinned.setdefault(action, set()).add(commit)

    assert {action: commits for action, commits in pinned.items() if len(commits) > 1} == {}


def test_no_job_has_rights_that_it_does_not_name() -> None:
    assert RELEASE["permissions"] == {}
    assert {name: job["permissions"].get("contents") for name, job in RELEASE["jobs"].items()} == {
        "version": "read",
        "images": "read",
        "publish": "write",
    }
    others = [yaml.safe_load(file.read_text()) for file in FOLDER.iterdir() if file.name != "release.yaml"]
    assert [workflow["permissions"] for workflow in others] == [{"contents": "read"}] * len(others)


def test_both_images_are_built_for_both_machines_with_what_shows_how() -> None:
    build = step("images", "docker/build-push-action")["with"]

    assert RELEASE["jobs"]["images"]["strategy"]["matrix"]["image"] == ["producer-api", "report-worker"]
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert (build["push"], build["provenance"], build["sbom"]) == (True, "mode=max", True)
    assert build["file"] == "services/${{ matrix.image }}/Dockerfile"
    assert build["tags"].startswith("${{ env.IMAGE }}:")
    assert RELEASE["jobs"]["images"]["env"]["IMAGE"] == "${{ vars.REGISTRY }}/${{ matrix.image }}"


def test_each_image_is_signed_by_its_digest_and_has_its_bill_of_materials() -> None:
    assert 'cosign sign --yes "$IMAGE@$DIGEST"' in scripts("images")
    assert (
        'cosign attest --yes --type cyclonedx --predicate "build/sbom/$NAME.cdx.json" "$IMAGE@$DIGEST"'
        in scripts("images")
    )
    assert step("images", "actions/attest-build-provenance")["with"] == {
        "subject-name": "${{ env.IMAGE }}",
        "subject-digest": "${{ steps.build.outputs.digest }}",
        "push-to-registry": True,
    }
    assert "make sbom" in scripts("images")


def test_the_charts_and_the_files_of_the_release_are_signed() -> None:
    script = scripts("publish")

    assert 'cosign sign --yes "$REGISTRY/charts/$chart@$digest"' in script
    assert "for chart in waybill waybill-platform" in script
    assert "cosign sign-blob --yes --bundle release/SHA256SUMS.sigstore.json release/SHA256SUMS" in script
    assert step("publish", "actions/attest-build-provenance")["with"] == {
        "subject-checksums": "release/SHA256SUMS"
    }


def test_the_production_values_are_written_from_the_digests_that_were_pushed() -> None:
    script = scripts("publish")

    assert 'echo "$DIGEST" > "release/digests/$NAME"' in scripts("images")
    assert "imagetools inspect" in script
    assert (
        'make --silent release-values REGISTRY="$REGISTRY" VERSION="$VERSION" DIGESTS=release/digests'
        in script
    )


def test_no_registry_but_githubs_gets_the_workflows_own_token() -> None:
    passwords = [
        one["with"]["password"]
        for job in RELEASE["jobs"]
        for one in steps(job)
        if "password" in one.get("with", {})
    ]

    assert len(passwords) == 2
    own = "(steps.registry.outputs.host == 'ghcr.io' && secrets.GITHUB_TOKEN)"
    assert set(passwords) == {f"${{{{ secrets.REGISTRY_PASSWORD || {own} || '' }}}}"}


def test_the_registry_is_nobodys_until_a_variable_names_it() -> None:
    assert RELEASE["env"] == {"REGISTRY": "${{ vars.REGISTRY }}"}
    assert '[ -n "$REGISTRY" ] ||' in scripts("version")


def test_how_to_verify_names_the_workflow_that_signs() -> None:
    assert "cosign verify " in SECURITY
    assert "cosign verify-attestation --type cyclonedx" in SECURITY
    assert ".github/workflows/release.yaml@refs/tags/" in SECURITY
    assert "https://token.actions.githubusercontent.com" in SECURITY


def test_a_report_of_a_vulnerability_goes_to_githubs_form_and_to_no_invented_address() -> None:
    assert "Report a vulnerability" in SECURITY
    assert re.findall(r"[\w.+-]+@[\w-]+\.[\w.-]+", SECURITY) == []
