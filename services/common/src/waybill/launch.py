"""Starts a service under `opentelemetry-instrument`: the one way, wherever it runs."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from waybill.errors import WaybillError
from waybill.settings import ServiceSettings, load
from waybill.telemetry import tracing_environment


def launch(service: str, settings: type[ServiceSettings], command: Sequence[str]) -> NoReturn:
    """Becomes `command`, once the settings are right: a wrong one is said once, without a traceback."""
    try:
        load(settings)
        become(service, command)
    except WaybillError as error:
        sys.exit(f"{service}: {error}")


def become(service: str, command: Sequence[str]) -> NoReturn:
    """Replaces this process by `command`, found beside this Python, with tracing set up.

    The OTEL variables that are not set get Waybill's defaults. Raises `WrongTelemetry`.
    """
    environment = tracing_environment(service, os.environ)
    scripts = Path(sys.executable).parent
    program = scripts / "opentelemetry-instrument"
    os.execve(  # noqa: S606 - the program is ours
        program, [str(program), str(scripts / command[0]), *command[1:]], environment
    )
