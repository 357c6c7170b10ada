"""Routes to compare with: `/insert` commits one row, `/defer` lets Procrastinate do a job.

Traced from outside, by opentelemetry-instrument, as Waybill's API is, and served by gunicorn.
"""

import os
from uuid import uuid4

import psycopg
from flask import Flask, request
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from tests.bench.peers import job
from tests.bench.peers.procrastinate_app import app_of_clients

_CONNECTIONS = 8
"""Of each process: as many as Waybill's API keeps by default."""

_TABLE = """
CREATE TABLE IF NOT EXISTS accepted (
    id uuid PRIMARY KEY, body jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now()
)
"""

app = Flask(__name__)


def make_table() -> None:
    with psycopg.connect(os.environ[job.DATABASE_URL]) as connection:
        connection.execute(_TABLE)


def _pool() -> ConnectionPool:
    """Made at the first request: gunicorn has forked by then."""
    if "pool" not in app.extensions:
        app.extensions["pool"] = ConnectionPool(
            os.environ[job.DATABASE_URL], max_size=_CONNECTIONS, open=True
        )
    return app.extensions["pool"]


@app.post("/insert")
def insert() -> tuple[dict[str, str], int]:
    name = uuid4()
    with _pool().connection() as connection:
        connection.execute(
            "INSERT INTO accepted (id, body) VALUES (%s, %s)", (name, Jsonb(request.get_json()))
        )
    return {"id": str(name)}, 202


@app.post("/defer")
def defer() -> tuple[dict[str, str], int]:
    if "deferring" not in app.extensions:
        app.extensions["deferring"] = app_of_clients.open()
    name = str(uuid4())
    app_of_clients.configure_task("work").defer(subject=name)
    return {"id": name}, 202
