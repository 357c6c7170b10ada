"""The kinds `noop`, whose job does nothing, and `fibo`, whose job only computes."""

from datetime import timedelta

from pydantic import Field

from waybill.kinds import Kind, Parameters

__all__ = ["FIBO", "NOOP", "FiboParameters", "NoopParameters"]


class NoopParameters(Parameters):
    """How many steps there are, which last as long as they are told to."""

    steps: int = Field(default=1, ge=1, le=10_000)
    step_ms: float = Field(default=0, ge=0, le=600_000)
    first_ms: float = Field(default=0, ge=0, le=600_000, description="So much longer is the first step.")


class FiboParameters(Parameters):
    """Which number of Fibonacci's is computed, in the slowest way."""

    n: int = Field(default=33, ge=1, le=45)


def step_names(parameters: NoopParameters) -> list[str]:
    """`noop:0` and so on."""
    return [f"noop:{number}" for number in range(parameters.steps)]


NOOP = Kind(
    name="noop",
    title="Nothing",
    description="Does nothing in each of its steps, and leaves a small file.",
    parameters=NoopParameters,
    steps=step_names,
    implementation="waybill_bench.job:do_nothing",
    timeout=timedelta(minutes=30),
)

FIBO = Kind(
    name="fibo",
    title="Fibonacci",
    description="Computes a number of Fibonacci's in the slowest way.",
    parameters=FiboParameters,
    steps=lambda _parameters: ["fibo"],
    implementation="waybill_bench.job:compute",
    timeout=timedelta(minutes=5),
)
