"""The environment of a slot: the worker's, without what is ours to know alone, and without what would start
telemetry in the template."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

_OURS = ("WAYBILL_", "PG", "AWS_", "AZURE_", "GOOGLE_")
"""Waybill's settings, and what the clients of the database and of artefact stores read."""

SOURCES = "WAYBILL_SOURCES"
"""Ours, which jobs need: a path, and no secret."""
_ARROW = {"ARROW_DEFAULT_MEMORY_POOL": "system", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""By default Arrow reserves a GiB at once, which counts against the limit of a job's memory; and its import
leaves a thread, which a template must not have."""

_TELEMETRY = "OTEL_"
_HEADERS = "_HEADERS"
"""Of the exporters: what authenticates them at a collector."""

_LOGS = "OTEL_LOGS_EXPORTER"
_PATH = "PYTHONPATH"
_AUTO_INSTRUMENTATION = "opentelemetry.instrumentation.auto_instrumentation"


def slot_environment(worker: Mapping[str, str], allowed: tuple[str, ...] = ()) -> dict[str, str]:
    """What every process of a job can read. `allowed` are names of ours that a kind needs all the same."""
    environment = {
        name: value
        for name, value in worker.items()
        if name in (*allowed, SOURCES) or not (name.startswith(_OURS) or _is_secret(name))
    }
    environment = {**_ARROW, **environment}
    if _LOGS in environment:  # the worker sends them: a slot needs no thread for that
        environment[_LOGS] = "none"
    if _PATH in environment:
        environment[_PATH] = _without_auto_instrumentation(environment[_PATH])
    return environment


def _without_auto_instrumentation(path: str) -> str:
    """`opentelemetry-instrument` leaves a folder there whose `sitecustomize` starts telemetry, with its
    threads, in every Python that the worker starts."""
    spec = find_spec(_AUTO_INSTRUMENTATION)
    folders = {Path(one).resolve() for one in (spec and spec.submodule_search_locations) or ()}
    return os.pathsep.join(one for one in path.split(os.pathsep) if Path(one).resolve() not in folders)


def telemetry_secrets(worker: Mapping[str, str]) -> dict[str, str]:
    """What a slot's exporters need, and its jobs do not."""
    return {name: value for name, value in worker.items() if _is_secret(name)}


def _is_secret(name: str) -> bool:
    return name.startswith(_TELEMETRY) and name.endswith(_HEADERS)
