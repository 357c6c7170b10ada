"""Words that were replaced by the field's own, and do not come back (`local`, services, docs and charts)."""

import functools
import re

import pytest

from tests.support.checkout import ROOT, files

REPLACED = {
    r"upkeep(er)?": "maintenance: recovery, retention",
    r"pulse": "broker watchdog",
    r"hand(s|ed|ing)? back": "release",
    r"tell(s|ing)? again|told again": "republish",
    r"unheard|heard": "acked, unacked, received",
    r"enqueue again|enqueue_again": "requeue",
    r"anew": "again; restart, recreate, replace",
    r"for good": "permanently",
    r"so many": "this number",
    r"whoever": "any process that; a team that",
    r"nobody|somebody": "no worker, no process; another process, a client",
    r"told": "received; reported",
    r"last word": "outcome",
    r"unsuited": "unsupported kind",
    r"foreign": "external",
    r"mend(ed|s)?": "fix",
}
PLACES = ("services", "local", "docs", "README.md", "charts", "otel-collector", "k8s")
ALLOWED = {
    ("docs/decisions/0005-a-consumer-without-a-pulse.md", "pulse"): "its name is linked to",
    ("services/common/src/waybill/domain/failures.py", "unsuited"): "a value that clients know",
    ("services/common/src/waybill/settings.py", "upkeep"): "the old name of a setting",
    ("services/common/src/waybill/settings.py", "enqueue_again"): "the old name of a setting",
    ("services/common/src/waybill/logs.py", "foreign"): "structlog's",
    ("docs/operations.md", "unsuited"): "a value that clients know",
}
LINKS = re.compile(r"\]\([^)]*\)|`tests/[^`]+`|0005-a-consumer-without-a-pulse|ForeignKey|foreign_pre_chain")


@functools.cache
def searched() -> list[str]:
    kinds = (".py", ".md", ".yaml", ".tpl", ".txt", ".mk")
    left_out = ("requirements", "/examples/", "/migrations/", "go.sum")
    return [
        name for name in files(*PLACES) if name.endswith(kinds) and not any(one in name for one in left_out)
    ]


@pytest.mark.parametrize("word", REPLACED)
def test_a_replaced_word_does_not_come_back(word: str) -> None:
    pattern = re.compile(rf"(?<![A-Za-z])(?:{word})(?![A-Za-z])", re.IGNORECASE)
    found = [
        f"{name}:{number}: {match[0]} (write: {REPLACED[word]})"
        for name in searched()
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        for match in pattern.finditer(LINKS.sub("", line))
        if (name, match[0].lower()) not in ALLOWED
    ]

    assert not found, "\n".join(found)
