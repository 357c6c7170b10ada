"""Checks the workflows and Renovate's configuration: their form, and by zizmor what attackers could use."""

import os
import subprocess
import sys
from pathlib import Path

from local.paths import CHECKOUT
from local.supply.tools import CHECK_JSONSCHEMA, ZIZMOR

WORKFLOWS = CHECKOUT / ".github/workflows"
RENOVATE = CHECKOUT / "renovate.json"


def check(workflows: Path = WORKFLOWS, renovate: Path = RENOVATE) -> int:
    """The exit code; the programs say what is wrong, and ask no network. Raises SetupFailedError."""
    environment = {**os.environ, "PYTHONPATH": str(CHECK_JSONSCHEMA.install())}
    schema = (sys.executable, "-m", "check_jsonschema", "--quiet", "--builtin-schema")
    commands = (
        (*schema, "vendor.github-workflows", *map(str, sorted(workflows.glob("*.yaml")))),
        (*schema, "vendor.renovate", str(renovate)),
        (str(ZIZMOR.install() / "bin/zizmor"), "--offline", "--quiet", "--no-progress", str(workflows)),
    )
    codes = [subprocess.run(command, env=environment, check=False).returncode for command in commands]
    return 1 if any(codes) else 0
