"""`dowork`: the article's job, ten steps of random length of which the sixth fails."""

from pydantic import Field

from waybill.kinds.definition import Kind, Parameters


class DoWorkParameters(Parameters):
    """How many steps there are, which of them fails, and how long they take."""

    steps: int = Field(default=10, ge=1, le=1000, description="How many steps the job has.")
    failing_step: int | None = Field(
        default=5, ge=0, description="Which step fails, counted from 0. Without a number none does."
    )
    max_step_ms: int = Field(
        default=200,
        ge=0,
        le=600_000,
        description="Each step takes a random time up to this, in milliseconds.",
    )


def step_names(parameters: DoWorkParameters) -> list[str]:
    """`doWork:0` … as the article names its spans."""
    return [f"doWork:{number}" for number in range(parameters.steps)]


DOWORK = Kind(
    name="dowork",
    title="Do work",
    description="The demonstration job: ten steps of random length, of which doWork:5 fails.",
    parameters=DoWorkParameters,
    steps=step_names,
    implementation="report_worker.kinds.dowork:produce",
    max_attempts=1,
)
