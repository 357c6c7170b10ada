"""The report-worker's settings."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from report_worker.output.policy import OutputPolicy
from waybill.settings import Listen, ServiceSettings

_MIN_LOG_BYTES = 64 * 1024


class WorkerSettings(ServiceSettings):
    """`slots`: reports at once. `drain_seconds`: after SIGTERM, how long they may go on."""

    kafka_group: str = "report-worker"
    kafka_group_protocol: Literal["consumer", "classic"] = "consumer"
    slots: int = Field(default=2, ge=1, le=64)
    reports_per_slot: int = Field(
        default=0, ge=0, description="After this number, a slot is replaced; 0: not for their number."
    )
    slot_memory_mib: int = Field(
        default=2048, ge=256, description="Limit of each slot's data memory (RLIMIT_DATA), in MiB."
    )
    slot_environment: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Environment variables, separated by commas, that slots get although they are Waybill's.",
    )
    cancel_grace_seconds: float = Field(
        default=5,
        ge=0,
        description="How long the running step of a cancelled report may continue before its slot is killed.",
    )
    report_logs_max_bytes: int = Field(
        default=2**20,
        ge=0,
        le=2**26,
        description="Kept of what a report's jobs print; 0: it goes to the worker's own output.",
    )
    logs_otlp: bool = Field(
        default=False, description="What jobs print and log is also sent to the collector, as log records."
    )
    drain_seconds: float = Field(default=20, ge=0)
    health_listen: Listen = "0.0.0.0:8081"

    @field_validator("slot_environment", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @field_validator("report_logs_max_bytes")
    @classmethod
    def _nothing_or_enough(cls, value: int) -> int:
        if 0 < value < _MIN_LOG_BYTES:
            raise PydanticCustomError(
                "few_bytes", "must be 0, or at least {least}", {"least": _MIN_LOG_BYTES}
            )
        return value

    @property
    def output(self) -> OutputPolicy | None:
        """None where what jobs print is not kept."""
        return OutputPolicy(self.report_logs_max_bytes) if self.report_logs_max_bytes else None

    @property
    def sends_logs(self) -> bool:
        return self.logs_otlp

    @property
    def drain(self) -> timedelta:
        return timedelta(seconds=self.drain_seconds)
