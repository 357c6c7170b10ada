"""The smoke test on a machine that cannot pull images, where a folder offers a cluster (WAYBILL_CLUSTER).

The folder has `up`, `down`, `status`, `build-image`, `load`, and `images`, which makes images with the names
of those that cannot be pulled. A cluster that already runs is used, and left as it is.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from k8s.programs import Missing, cluster_folder
from k8s.smoke.__main__ import say

RUNS = (("jaeger", "builtin", "none"), ("jaeger-operator", "external", "key"))
"""Tracing backend, PostgreSQL and credentials of each run: together both ways of each."""


def environment(folder: Path, said: str) -> dict[str, str]:
    """What the file that `up` names sets, and the commands that the smoke test is to use."""
    match = re.search(r"\. '([^']+)'", said)
    if match is None:
        raise Missing(f"{folder / 'up'} names no file with its environment")
    shown = subprocess.run(
        ["bash", "-c", '. "$0" && env -0', match[1]], capture_output=True, text=True, check=True
    ).stdout
    return {
        **dict(entry.split("=", 1) for entry in shown.split("\0") if "=" in entry),
        "IMAGE_BUILD": str(folder / "build-image"),
        "IMAGE_LOAD": str(folder / "load"),
        "IMAGE_PULL": str(folder / "images"),
        "SMOKE_FIXTURES": "yes",
    }


def main(options: list[str]) -> int:
    folder = cluster_folder()
    if folder is None or os.geteuid() != 0:
        say("The smoke test is left out: no folder offers a cluster (WAYBILL_CLUSTER), or this is not root.")
        return 0
    ran = subprocess.run([folder / "status"], capture_output=True, check=False).returncode == 0
    begin = time.monotonic()
    up = subprocess.run(
        [folder / "up"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if up.returncode != 0:
        say(f"The smoke test is left out: {folder / 'up'} does not work here.\n{up.stdout[-1000:]}")
        return 0
    say(f"{time.monotonic() - begin:7.1f} s  cluster {'was up' if ran else 'up'}")
    try:
        codes = [
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "k8s.smoke",
                    f"--tracing={tracing}",
                    f"--postgresql={postgresql}",
                    f"--auth={auth}",
                    *options,
                ],
                env=environment(folder, up.stdout),
                check=False,
            ).returncode
            for tracing, postgresql, auth in RUNS
        ]
    finally:
        if not ran:
            subprocess.run([folder / "down"], stdout=subprocess.DEVNULL, check=False)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
