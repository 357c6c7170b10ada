"""The recipes name files that exist, and the changelog has every renamed setting."""

import re

from tests.conftest import TESTS
from waybill.settings import PREFIX, RENAMED

ROOT = TESTS.parent
CONTRIBUTING = (ROOT / "docs/contributing.md").read_text()
BASES = (
    "",
    "services/common/src/",
    "services/common/src/waybill/",
    "services/common/src/waybill/store/",
    "services/client/src/waybill_client/",
    "services/producer-api/src/",
    "services/producer-api/src/producer_api/",
    "tests/integration/",
    "docs/",
    "charts/waybill/",
)


def test_every_file_of_a_recipe_exists() -> None:
    named = set(re.findall(r"`([\w./-]+(?:/|\.(?:py|md|yaml|json)))`", CONTRIBUTING))
    assert len(named) > 20

    missing = [name for name in named if not any((ROOT / base / name).exists() for base in BASES)]

    assert not missing


def test_the_changelog_has_every_renamed_setting() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()

    for old, new in RENAMED.items():
        assert f"| `{PREFIX}{old}` | `{PREFIX}{new}` |" in changelog
