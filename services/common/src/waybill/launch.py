"""Starts a service under `opentelemetry-instrument`: the one way, wherever it runs."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import structlog

from waybill.artefacts import ArtefactStore, ArtefactStoreUnavailable, WrongArtefactUrl
from waybill.errors import WaybillError
from waybill.logs import configure_logs
from waybill.settings import PREFIX, ServiceSettings, WrongSettings, load
from waybill.telemetry import tracing_environment

log = structlog.get_logger(__name__)


def launch(service: str, settings: type[ServiceSettings], command: Sequence[str]) -> NoReturn:
    """Becomes `command`, once the settings are right: a wrong one is said once, without a traceback."""
    try:
        loaded = load(settings)
        _check_artefacts(service, loaded)
        become(service, command, sends_logs=loaded.sends_logs)
    except WaybillError as error:
        sys.exit(f"{service}: {error}")


def _check_artefacts(service: str, settings: ServiceSettings) -> None:
    """Rather now than after a report's work. A store that is away for the moment does not stop the start."""
    try:
        ArtefactStore(settings.artefact_url).check()
    except WrongArtefactUrl as error:
        raise WrongSettings(f"The settings are wrong.\n  {PREFIX}ARTEFACT_URL: {error}") from error
    except ArtefactStoreUnavailable as error:
        configure_logs(service, settings.log_format, settings.log_level)
        log.warning("artefact store not available yet: starting without", reason=str(error))


def become(service: str, command: Sequence[str], *, sends_logs: bool = False) -> NoReturn:
    """Replaces this process by `command`, found beside this Python, with tracing set up.

    The OTEL variables that are not set get Waybill's defaults. `sends_logs`: it emits log records. Raises
    `WrongTelemetry`.
    """
    environment = tracing_environment(service, os.environ, sends_logs=sends_logs)
    scripts = Path(sys.executable).parent
    program = scripts / "opentelemetry-instrument"
    os.execve(  # noqa: S606 - the program is ours
        program, [str(program), str(scripts / command[0]), *command[1:]], environment
    )
