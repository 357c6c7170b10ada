"""Dramatiq: Redis alone; no results are kept, and nothing is traced."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tests.bench.peers import job

dramatiq.set_broker(RedisBroker(url=os.environ[job.REDIS_URL]))


@dramatiq.actor
def work(subject: str) -> None:
    job.do(subject)


def prepare(number: int) -> None:
    for subject in job.subjects(number):
        work.send(subject)


if __name__ == "__main__":
    job.command(prepare)
