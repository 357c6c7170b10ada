"""The producer-api's settings."""

from datetime import timedelta

from pydantic import Field

from producer_api.policies import StreamPolicy
from waybill.settings import ServiceSettings


class ApiSettings(ServiceSettings):
    """`http_threads`: requests and open status streams that one worker process serves at once. Streams never
    take the last eighth of the threads, which is at least one."""

    listen: str = "0.0.0.0:8080"
    http_workers: int = Field(default=2, ge=1)
    http_threads: int = Field(default=64, ge=2)
    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    stream_heartbeat_seconds: float = Field(default=15, gt=0)
    drain_seconds: float = Field(default=20, gt=0)

    @property
    def stream(self) -> StreamPolicy:
        """Leaves threads for requests and probes."""
        max_streams = self.http_threads - max(1, self.http_threads // 8)
        return StreamPolicy(
            heartbeat=timedelta(seconds=self.stream_heartbeat_seconds), max_streams=max_streams
        )
