"""Policies: made from settings at the edge, passed inwards, never changed."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class LeasePolicy:
    """For how long a worker owns an attempt without a word, and how often it says one."""

    time_to_live: timedelta = timedelta(seconds=30)
    heartbeat: timedelta = timedelta(seconds=5)
