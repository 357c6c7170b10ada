"""awa: PostgreSQL alone, with a core in Rust that claims and completes jobs in batches."""

import asyncio
import os
import signal
from dataclasses import dataclass

from awa import AsyncClient, Client

from tests.bench.peers import job

_QUEUE, _SLOTS = "bench", 2


@dataclass
class Work:
    """The job's arguments."""

    subject: str


def prepare(number: int) -> None:
    client = Client(os.environ[job.DATABASE_URL])
    client.migrate()
    client.install_queue_storage()
    client.enqueue_many_copy([Work(subject) for subject in job.subjects(number)], queue=_QUEUE)
    client.close()


async def _work() -> None:
    client = AsyncClient(os.environ[job.DATABASE_URL])

    @client.task(Work, queue=_QUEUE)
    async def work(one: object) -> None:
        job.do(one.args.subject)  # type: ignore[attr-defined]

    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await client.start([(_QUEUE, _SLOTS)])
    await stopping.wait()
    await client.shutdown()
    await client.close()


if __name__ == "__main__":
    job.command(prepare, lambda: asyncio.run(_work()))
