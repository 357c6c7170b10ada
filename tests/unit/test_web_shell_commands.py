"""Commands that a page offers to copy: a shell reads them as they are meant, whatever a report has."""

import json
import shlex
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from producer_api.web.shell_commands import as_curl, as_preview, as_waybill
from waybill.domain import Report, Status, new_report_id

NOW = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)
REPORT = Report(
    *(new_report_id(), "flights", {"month": 7}, Status.DONE, 9, 1, None, None, None, None),
    *(NOW, NOW, NOW, NOW),
)
HERE = "https://reports.example.com/waybill"
HOSTILE: list[dict[str, Any]] = [
    {"name": "it's"},
    {"name": '"; rm -rf / #'},
    {"name": "$(touch /tmp/x) `id` ${HOME} \\"},
    {"name": "two\nlines\r\tand !history ~ * ? [a]"},
    {"name": "\u2028 \u202e \U0001f600 é"},
    {"-- $x": None, "a b": [1, 2.5, True], "deep": {"'": "'"}},
    {},
]


def read(command: str) -> list[str]:
    """What a shell's program gets as its arguments. A shell itself says it, and `shlex` says the same."""
    printed = subprocess.run(
        ["sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True, env={"WAYBILL_TOKEN": "t"}
    ).stdout.decode()
    words = printed.split("\0")[:-1]
    assert [word.replace("$WAYBILL_TOKEN", "t") for word in shlex.split(command)] == words
    return words


@pytest.mark.parametrize("parameters", HOSTILE, ids=lambda one: ascii(next(iter(one.values()), "none")))
def test_parameters_arrive_as_they_are(parameters: dict[str, Any]) -> None:
    report = replace(REPORT, parameters=parameters)

    words = read(as_curl(report, HERE, with_token=True))
    assert json.loads(words[-1]) == {"kind": "flights", "parameters": parameters}
    assert words[:5] == ["curl", "--fail-with-body", "-X", "POST", f"{HERE}/api/v1/reports"]
    assert "Authorization: Bearer t" in words

    words = read(as_waybill(report, HERE))
    assert words[:3] == ["waybill", "--api-url", HERE]
    assert words[-2:] == ["--", "flights"]
    if parameters:
        assert json.loads(words[words.index("--parameters") + 1]) == parameters


def test_what_else_was_asked_for_is_there_but_no_webhook() -> None:
    report = replace(
        REPORT,
        kind="-x; ls",
        outputs=("pdf",),
        tags=("-t 'a'", "$b"),
        priority=2,
        timeout=timedelta(seconds=90),
        webhook="https://example.com/?secret",
    )

    words = read(as_waybill(report, "http://127.0.0.1:8080"))
    assert words[:3] == ["waybill", "request", "--follow"]
    assert {"--output=pdf", "--tag=-t 'a'", "--tag=$b", "--priority=2", "--timeout=90"} <= {*words}
    assert words[-2:] == ["--", "-x; ls"]
    curl = as_curl(report, HERE, with_token=False)
    body = json.loads(read(curl)[-1])
    assert (body["tags"], body["outputs"], body["priority"]) == (["-t 'a'", "$b"], ["pdf"], 2)
    assert body["timeout_seconds"] == 90
    assert "secret" not in curl
    assert "Authorization" not in curl


def test_a_preview_has_the_defaults_and_asks_for_what_has_none() -> None:
    defaults = {"month": 7, "text": "it's $HOME", "many": ["A", "b c"], "period": "last_month", "yes": False}
    properties = {name: {"default": value} for name, value in defaults.items()}
    schema = {
        "properties": {**properties, "region": {}, "any": {}, "none": {"default": None}},
        "required": ["region"],
    }

    assert read(as_preview("query:sales", schema)) == [
        *("waybill", "preview", "sales.yaml", "--sources", "sources.yaml"),
        *("-p", "month=7", "-p", "text=it's $HOME", "-p", 'many=["A", "b c"]', "-p", "period=last_month"),
        *("-p", "yes=false", "-p", "region=VALUE"),
    ]
    assert read(as_preview("query:sales", {})) == [
        "waybill",
        "preview",
        "sales.yaml",
        "--sources",
        "sources.yaml",
    ]
