"""kubectl and helm as the smoke test uses them: every failure is a sentence with what the program said."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from k8s.programs import environment

FORWARD_SECONDS = 20


class Failed(Exception):  # noqa: N818 - the name is the sentence
    """A command did not do what it had to; the message holds its last lines."""


def run(
    command: Sequence[object], *, stdin: str | None = None, seconds: float = 900, both: bool = False
) -> str:
    """The command's standard output, or `both` it and its standard error. Raises `Failed`."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            text=True,
            env=environment(),
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise Failed(f"There is no {words[0]} here.") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"`{' '.join(words)}` did not end within {seconds:.0f} s.") from None
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
        raise Failed(f"`{' '.join(words)}` failed:\n{said}")
    return done.stdout + done.stderr if both else done.stdout


@dataclass(frozen=True)
class Cluster:
    """One namespace of the current context."""

    namespace: str
    helm_program: Path

    def kubectl(self, *arguments: object, stdin: str | None = None, seconds: float = 900) -> str:
        return run(["kubectl", f"--namespace={self.namespace}", *arguments], stdin=stdin, seconds=seconds)

    def helm(self, *arguments: object, both: bool = False) -> str:
        return run([self.helm_program, f"--namespace={self.namespace}", *arguments], both=both)

    def names(self, kind: str, selector: str = "") -> list[str]:
        """What there is of a kind, as `kind/name`."""
        return self.kubectl("get", kind, f"--selector={selector}", "--output=name").split()

    def rollouts(self, selector: str = "", seconds: int = 300) -> None:
        """Waits until every Deployment and StatefulSet runs its newest pods, and only those."""
        for name in self.names("deployments,statefulsets", selector):
            self.kubectl("rollout", "status", name, f"--timeout={seconds}s")

    @contextmanager
    def forwarded(self, service: str, port: int) -> Iterator[str]:
        """The URL of a port-forward to a Service, which ends with the block."""
        kubectl = shutil.which("kubectl", path=environment()["PATH"]) or "kubectl"
        command = [
            kubectl, f"--namespace={self.namespace}", "port-forward", "--address=127.0.0.1", f"svc/{service}",
            f":{port}",
        ]  # fmt: skip
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            try:
                yield f"http://127.0.0.1:{_forwarded_port(process, service)}"
            finally:
                process.terminate()


def _forwarded_port(process: subprocess.Popen[str], service: str) -> int:
    said = []
    deadline = time.monotonic() + FORWARD_SECONDS
    while process.stdout and time.monotonic() < deadline:
        line = process.stdout.readline()
        said.append(line)
        match = re.match(r"Forwarding from 127\.0\.0\.1:(\d+)", line)
        if match:
            return int(match[1])
        if not line:
            break
    raise Failed(f"The port-forward to {service} did not begin: {''.join(said)}")
