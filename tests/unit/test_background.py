"""Calls in threads that may be left behind."""

import os
import threading
from concurrent.futures import Future, wait

import pytest

from waybill.background import in_background


def test_a_call_returns_its_result_or_raises_its_error() -> None:
    def fail() -> None:
        raise SystemExit("no more of it")

    assert in_background(lambda: 7).result(30) == 7
    with pytest.raises(SystemExit, match="no more of it"):
        in_background(fail).result(30)


def test_a_thread_is_used_again_once_its_call_has_returned() -> None:
    first = in_background(threading.get_ident).result(30)

    assert [in_background(threading.get_ident).result(30) for _ in range(3)] == [first] * 3


def test_a_call_that_hangs_holds_up_no_other() -> None:
    go_on = threading.Event()
    hanging: list[Future[bool]] = [in_background(lambda: go_on.wait(30)) for _ in range(2)]

    assert in_background(lambda: 7).result(30) == 7
    assert not any(one.done() for one in hanging)
    go_on.set()
    assert wait(hanging, 30).not_done == set()


def test_a_process_that_was_forked_does_not_wait_for_its_parents_threads() -> None:
    in_background(lambda: None).result(30)
    if (pid := os.fork()) == 0:
        try:
            os._exit(in_background(lambda: 7).result(10))
        finally:
            os._exit(1)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
