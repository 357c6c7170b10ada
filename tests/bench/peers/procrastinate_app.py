"""Procrastinate: PostgreSQL alone; each job is a row that is committed when it starts and when it ends."""

import os

import procrastinate

from tests.bench.peers import job

_BATCH = 1000

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ[job.DATABASE_URL]))
app_of_clients = procrastinate.App(
    connector=procrastinate.SyncPsycopgConnector(conninfo=os.environ[job.DATABASE_URL])
)


@app.task(name="work")
def work(subject: str) -> None:
    job.do(subject)


def make_schema() -> None:
    with app_of_clients.open():
        app_of_clients.schema_manager.apply_schema()


def prepare(number: int) -> None:
    subjects = job.subjects(number)
    with app_of_clients.open():
        deferrer = app_of_clients.configure_task("work")
        for first in range(0, number, _BATCH):
            deferrer.batch_defer(*({"subject": subject} for subject in subjects[first : first + _BATCH]))


def do_work() -> None:
    """One job at a time; a number of such processes are the slots."""
    app.run_worker(concurrency=1, install_signal_handlers=True)


if __name__ == "__main__":
    # The module under its own name: Procrastinate warns of applications in `__main__`.
    from tests.bench.peers import procrastinate_app

    job.command(procrastinate_app.prepare, procrastinate_app.do_work)
