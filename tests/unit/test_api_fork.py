"""What the API's arbiter does before it forks: it imports for all, and starts nothing that a fork breaks. And
what no service imports at all."""

import json
import subprocess
import sys

import pytest

_PROGRAM = """
import json, os, sys
from producer_api import gunicorn_conf
gunicorn_conf.on_starting(None)
threads = len(os.listdir("/proc/self/task"))
before = set(sys.modules)
import producer_api.wsgi
print(json.dumps({"threads": threads, "later": sorted(set(sys.modules) - before)}))
"""
_LARGE = {"apiflask", "confluent_kafka", "jsonschema_rs", "obstore", "psycopg", "sqlalchemy"}


def test_worker_processes_share_the_modules_and_make_the_application_themselves() -> None:
    environment = {
        "WAYBILL_DATABASE_URL": "postgresql://127.0.0.1/waybill",
        "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "WAYBILL_ARTEFACT_URL": "memory:///",
        "WAYBILL_HEALTH_LISTEN": "127.0.0.1:0",
        "PATH": "/usr/bin:/bin",
    }
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)

    assert "producer_api.wsgi" in found["later"]
    assert not _LARGE.intersection(found["later"])
    assert found["threads"] == 1


@pytest.mark.parametrize("module", ["producer_api.app", "report_worker.worker"])
def test_no_service_takes_memory_for_what_only_migrations_need(module: str) -> None:
    program = f"import sys, {module}; print('sqlalchemy' in sys.modules, 'alembic' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["True", "False"], run.stderr
