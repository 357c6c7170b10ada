"""The template starts without telemetry, though its worker runs under `opentelemetry-instrument`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from report_worker.slots.environment import slot_environment

_WORKER = """
import json, os, subprocess, sys
from report_worker.slots.environment import slot_environment
environment = slot_environment(os.environ)
program = "import json, os, sys; print(json.dumps([os.environ['PYTHONPATH'], sorted(sys.modules)]))"
subprocess.run([sys.executable, "-c", program], env=environment, check=True)
"""


@pytest.mark.parametrize("path", ["", "/a/folder/of/kinds"])
def test_the_template_is_not_instrumented(path: str) -> None:
    program = Path(sys.executable).with_name("opentelemetry-instrument")
    off = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "none")
    instrumented = subprocess.run(
        [str(program), sys.executable, "-c", _WORKER],
        env={**os.environ, **off, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    python_path, modules = json.loads(instrumented.stdout)
    assert "auto_instrumentation" not in python_path
    assert python_path.endswith(path)
    assert not [name for name in modules if name.startswith("opentelemetry")]


def test_a_slot_sends_no_log_records_itself() -> None:
    assert slot_environment({"OTEL_LOGS_EXPORTER": "otlp"})["OTEL_LOGS_EXPORTER"] == "none"
    assert "OTEL_LOGS_EXPORTER" not in slot_environment({})
