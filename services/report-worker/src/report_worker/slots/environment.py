"""The environment of a slot: the worker's, without what is ours to know alone."""

from collections.abc import Mapping

_OURS = ("WAYBILL_", "PG", "AWS_", "AZURE_", "GOOGLE_")
"""Waybill's settings, and what the clients of the database and of artefact stores read."""

_TELEMETRY = "OTEL_"
_HEADERS = "_HEADERS"
"""Of the exporters: what authenticates them at a collector."""


def slot_environment(worker: Mapping[str, str], allowed: tuple[str, ...] = ()) -> dict[str, str]:
    """What every process of a job can read. `allowed` are names of ours that a kind needs all the same."""
    return {
        name: value
        for name, value in worker.items()
        if name in allowed or not (name.startswith(_OURS) or _is_secret(name))
    }


def telemetry_secrets(worker: Mapping[str, str]) -> dict[str, str]:
    """What a slot's exporters need, and its jobs do not."""
    return {name: value for name, value in worker.items() if _is_secret(name)}


def _is_secret(name: str) -> bool:
    return name.startswith(_TELEMETRY) and name.endswith(_HEADERS)
