"""A limit for a process's files is one, and is taken from all that it has started meanwhile."""

import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.faults.injectors.disk import limit, unlimit

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit(2) is Linux's")

_PARENT = """
import subprocess, sys
sys.stdin.readline()
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[str]"]:
    """A process that starts another when it is told to."""
    command = [sys.executable, "-c", _PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.communicate("")


def test_a_child_does_not_keep_the_limit(parent: "subprocess.Popen[str]") -> None:
    assert parent.stdin
    assert parent.stdout
    limit(parent.pid, 4096)
    parent.stdin.write("\n")
    parent.stdin.flush()
    pids = parent.pid, int(parent.stdout.readline())
    limits = [resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids]
    assert {soft for soft, _ in limits} == {4096}
    unlimit(parent.pid)
    for pid in pids:
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        assert soft == hard
