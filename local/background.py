"""The stack in the background: a supervisor process of its own, found again through its run directory."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from local import cache, console, signals
from local.errors import LocalError, UpFailedError
from local.paths import CHECKOUT
from local.ports import Ports
from local.process import last_lines
from local.run_dir import RunDir
from local.setup import set_up
from local.stack import Stack

_DOWN_SECONDS = 90
NOT_UP = 3
"""The exit code of `status` when no stack is up."""


def up(path: Path, *, fresh: bool, out: TextIO) -> int:
    """Starts the stack unless it is up, and returns when all of it answers."""
    run_dir = RunDir(path)

    def waiting() -> None:
        print("It is being started already; waiting for that.", file=out, flush=True)

    with cache.locked(cache.name_for("up", run_dir.path), waiting):
        if run_dir.holder() is None:
            set_up(out, run_dir.path / "setup")
            run_dir.forget()
            print("Starting:", file=out, flush=True)
            _start_supervisor(run_dir, fresh=fresh, out=out)
            print("The stack is up:", file=out)
        else:
            print("The stack is up already:", file=out)
        environment = run_dir.read_env()
    if not environment:
        raise UpFailedError("the stack is just being stopped; try again in a moment")
    console.print_addresses(environment, run_dir, out)
    return 0


def down(path: Path, out: TextIO) -> int:
    """Stops the stack and returns when nothing of it runs."""
    run_dir = RunDir(path)
    pid = run_dir.holder()
    if pid is None:
        print("No stack is up.", file=out)
        return 0
    begin = time.monotonic()
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    while run_dir.holder() == pid:
        if time.monotonic() - begin > _DOWN_SECONDS:
            raise LocalError(f"the stack of process {pid} has not stopped in {_DOWN_SECONDS} s")
        time.sleep(0.1)
    print(f"The stack is down ({time.monotonic() - begin:.1f} s).", file=out)
    return 0


def status(path: Path, out: TextIO) -> int:
    """Prints what runs. Returns 0 if all of it answers, 1 if not, NOT_UP if there is no stack."""
    run_dir = RunDir(path)
    if run_dir.holder() is None:
        print("No stack is up.", file=out)
        if _log(run_dir).exists():
            print(f"How the last one ended is at the end of {_log(run_dir)}", file=out)
        return NOT_UP
    all_answer = console.print_parts(run_dir, out)
    environment = run_dir.read_env()
    if not environment:
        print("  (still starting, or stopping)", file=out)
        return 1
    console.print_addresses(environment, run_dir, out)
    return 0 if all_answer else 1


def supervise(path: Path, *, fresh: bool, out: TextIO) -> int:
    """Runs the stack until a signal comes or a part fails. This is the process in the background."""
    try:
        with signals.as_exception():
            ports = Ports.usual()
            stack = Stack.start(
                path,
                ports=ports,
                fresh=fresh,
                with_examples=True,
                report=console.reporter(out, "ready after"),
            )
            with stack:
                console.print_moved_ports(ports, out)
                stack.watch(until=lambda: False)
    except signals.Interruption as interruption:
        print(f"stopped by {interruption}", file=out)
        return 0
    return 0


def _log(run_dir: RunDir) -> Path:
    return run_dir.path / "supervisor.log"


def _start_supervisor(run_dir: RunDir, *, fresh: bool, out: TextIO) -> None:
    """Starts it, and shows what it says until the stack is ready."""
    run_dir.path.mkdir(parents=True, exist_ok=True)
    log = _log(run_dir)
    arguments = ["supervise", f"--run-dir={run_dir.path}", *(["--fresh"] if fresh else [])]
    with log.open("w") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "local", *arguments],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _relay_until_ready(run_dir, log, supervisor, out)
    except BaseException:
        supervisor.terminate()
        supervisor.wait()
        raise


def _relay_until_ready(run_dir: RunDir, log: Path, supervisor: subprocess.Popen[bytes], out: TextIO) -> None:
    with log.open() as lines:
        while not run_dir.read_env():
            if supervisor.poll() is not None:
                raise UpFailedError(f"the stack did not start:\n{last_lines(log, 30)}")
            out.write(lines.read())
            out.flush()
            time.sleep(0.1)
        out.write(lines.read())
