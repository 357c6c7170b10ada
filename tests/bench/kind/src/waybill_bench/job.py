"""The jobs. The file of each says when its work began, in seconds since 1970, and how long it took."""

import time

from waybill.kinds import Artefact, Work

from . import FiboParameters, NoopParameters, step_names


def do_nothing(parameters: NoopParameters, work: Work) -> Artefact:
    began: float | None = None
    for name in step_names(parameters):
        with work.step(name):
            pause = parameters.step_ms if began else parameters.step_ms + parameters.first_ms
            began = began or time.time()
            if pause:
                time.sleep(pause / 1000)
    return _file(work, began or time.time())


def compute(parameters: FiboParameters, work: Work) -> Artefact:
    with work.step("fibo"):
        began = time.time()
        fibo(parameters.n)
    return _file(work, began)


def fibo(n: int) -> int:
    """Slowly."""
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


def _file(work: Work, began: float) -> Artefact:
    file = work.directory / "bench.txt"
    file.write_text(f"{work.report_id} {began:.6f} {time.time() - began:.6f}\n", encoding="utf-8")
    return Artefact(path=file, media_type="text/plain; charset=utf-8", filename=file.name)
