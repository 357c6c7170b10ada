"""Commands that request a report once more, for a shell: safe to paste, whatever its parameters are."""

import json
import shlex
from typing import Any, Final

from waybill.domain import NORMAL_PRIORITY, Report

DEFAULT_ADDRESS: Final = "http://127.0.0.1:8080"
"""Where the command `waybill` asks, if nothing else is said."""


def as_curl(report: Report, address: str, *, with_token: bool) -> str:
    """`address`: of this API, without a path. `with_token`: the request needs one, which the variable
    `WAYBILL_TOKEN` has."""
    body = {"kind": report.kind, "parameters": dict(report.parameters), **_options(report)}
    words = ["curl", "--fail-with-body", "-X", "POST", shlex.quote(f"{address}/api/v1/reports")]
    if with_token:
        # quoted for the shell to put the token in: it is not known here
        words += ["-H", '"Authorization: Bearer $WAYBILL_TOKEN"']
    words += ["-H", shlex.quote("Content-Type: application/json"), "--data-raw", _json(body)]
    return " ".join(words)


def as_waybill(report: Report, address: str) -> str:
    """The same with the command line of Waybill; a token is in its own variable."""
    words = ["waybill"]
    if address != DEFAULT_ADDRESS:
        words += ["--api-url", shlex.quote(address)]
    words += ["request", "--follow"]
    if report.parameters:
        words += ["--parameters", _json(dict(report.parameters))]
    options = _options(report)
    words += [shlex.quote(f"--output={name}") for name in options.get("outputs", ())]
    words += [shlex.quote(f"--tag={tag}") for tag in options.get("tags", ())]
    if "priority" in options:
        words.append(f"--priority={options['priority']}")
    if "timeout_seconds" in options:
        words.append(f"--timeout={options['timeout_seconds']:g}")
    # a kind may be called like an option
    return " ".join([*words, "--", shlex.quote(report.kind)])


def _options(report: Report) -> dict[str, Any]:
    """What was asked for besides. Not its webhook, whose address may hold a secret."""
    options: dict[str, Any] = {}
    if report.outputs:
        options["outputs"] = list(report.outputs)
    if report.tags:
        options["tags"] = list(report.tags)
    if report.priority != NORMAL_PRIORITY:
        options["priority"] = report.priority
    if report.timeout:
        options["timeout_seconds"] = report.timeout.total_seconds()
    return options


def _json(value: Any) -> str:
    """In ASCII alone, so that no terminal shows it in another order, or ends a line in it."""
    return shlex.quote(json.dumps(value))
