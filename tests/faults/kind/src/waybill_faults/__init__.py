"""The kind `effect`: writes down that it ran, and fails as it is told to. The kind `resumed`: writes that
down too, and each of its steps keeps a result."""

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from waybill.kinds import Kind, Parameters

__all__ = ["EFFECT", "RESUMED", "EffectParameters", "Mode"]


class Mode(StrEnum):
    """How the first `failures` attempts end; those after them end well."""

    OK = "ok"
    RETRYABLE = "retryable"
    """With an error that may pass."""
    PERMANENT = "permanent"
    """With an error that never will; there is no second attempt."""
    CRASH = "crash"
    """With a segmentation fault."""
    HANG = "hang"
    """Not at all."""
    KILL_WORKER = "kill_worker"
    """With the end of its worker, by SIGKILL."""


class EffectParameters(Parameters):
    """`fault` and `request` say which part of the run asked for it."""

    fault: str = Field(default="", max_length=100)
    request: str = Field(default="", max_length=100)
    steps: int = Field(default=2, ge=1, le=1000)
    step_ms: int = Field(default=50, ge=0, le=600_000, description="How long each step takes.")
    payload_bytes: int = Field(default=200, ge=0, le=64 * 1024 * 1024, description="The artefact's size.")
    mode: Mode = Mode.OK
    failures: int = Field(default=1, ge=1, le=100, description="How many attempts fail.")


def step_names(parameters: EffectParameters) -> list[str]:
    """`effect:0` and so on."""
    return [f"effect:{number}" for number in range(parameters.steps)]


EFFECT = Kind(
    name="effect",
    title="Effect",
    description="Leaves a trace of itself in a table: the job of the tests by faults.",
    parameters=EffectParameters,
    steps=step_names,
    implementation="waybill_faults.job:produce",
    timeout=timedelta(seconds=60),
    max_attempts=5,
)

RESUMED = Kind(
    name="resumed",
    title="Resumed",
    description="As an effect, of steps that survive: the job of the tests which kill it in between.",
    parameters=EffectParameters,
    steps=step_names,
    implementation="waybill_faults.resumed:produce",
    timeout=timedelta(seconds=60),
    max_attempts=1000,
)
