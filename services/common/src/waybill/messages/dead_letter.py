"""The dead letter: what could not be done, with the reason, on topic `report-dead-letter`."""

from base64 import b64encode
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

PREVIEW_BYTES = 4096


class DeadLetter(BaseModel):
    """A message that could not be read, or a report that used up its attempts.

    The database has more of the original under `id`, though not always all of it; the message carries only
    the beginning, so that it always fits.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    id: UUID
    reason: str = Field(description="One word for metrics, such as not_json.")
    detail: str
    report_id: UUID | None = None
    topic: str
    partition: int
    offset: int
    key_base64: str | None = None
    value_base64: str | None = Field(default=None, description=f"The first {PREVIEW_BYTES} bytes.")
    value_size: int = Field(default=0, description="Of the whole value, in bytes.")
    attempts: int | None = Field(default=None, description="Of a report: how often it was tried.")
    stack: str | None = Field(default=None, description="Of a report: where its last error came from.")
    traceparent: str | None = None
    at: datetime


def preview(content: bytes | None) -> str | None:
    """The beginning of `content` in base64."""
    return None if content is None else b64encode(content[:PREVIEW_BYTES]).decode()
