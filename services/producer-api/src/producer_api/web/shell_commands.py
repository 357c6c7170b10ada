"""Commands that request a report once more, or preview a definition, for a shell: safe to paste, whatever the
parameters are."""

import json
import shlex
from collections.abc import Mapping
from typing import Any, Final

from waybill.domain import NORMAL_PRIORITY, Report

DEFAULT_ADDRESS: Final = "http://127.0.0.1:8080"
"""Where the command `waybill` asks, if nothing else is said."""
TO_FILL_IN: Final = "VALUE"
"""Stands in a command for the value of a parameter that has no default."""


def as_curl(report: Report, address: str, *, with_token: bool) -> str:
    """`address`: of this API, without a path. `with_token`: the request needs one, which the variable
    `WAYBILL_TOKEN` has."""
    body = {"kind": report.kind, "parameters": dict(report.parameters), **_options(report)}
    return curl("POST", f"{address}/api/v1/reports", body, with_token=with_token)


def curl(method: str, url: str, body: Any, *, with_token: bool) -> str:
    """`body`: sent as JSON; None of a request without one."""
    words = ["curl", "--fail-with-body"]
    if method != "GET":
        words += ["-X", method]
    words.append(shlex.quote(url))
    if with_token:
        # quoted for the shell to put the token in: it is not known here
        words += ["-H", '"Authorization: Bearer $WAYBILL_TOKEN"']
    if body is not None:
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


def as_preview(kind: str, schema: Mapping[str, Any]) -> str:
    """Of a definition that is saved as `NAME.yaml`, with the defaults of its parameters. `schema`: of all of
    them."""
    words = [
        "waybill",
        "preview",
        shlex.quote(f"{kind.removeprefix('query:')}.yaml"),
        "--sources sources.yaml",
    ]
    for name, one in schema.get("properties", {}).items():
        if one.get("default") is not None:
            default = one["default"]
            text = default if isinstance(default, str) else json.dumps(default)
        elif name in schema.get("required", ()):
            text = TO_FILL_IN
        else:
            continue
        words += ["-p", shlex.quote(f"{name}={text}")]
    return " ".join(words)


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
