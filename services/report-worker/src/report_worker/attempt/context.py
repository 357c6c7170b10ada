"""What every attempt of a worker shares."""

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from report_worker.cancellations import Cancellations
from report_worker.output import JobOutput
from waybill.artefacts import ArtefactStore
from waybill.domain import LeasePolicy, RetryPolicy
from waybill.errors import WaybillError
from waybill.kinds import Registry
from waybill.ledger import ArtefactPreviews, Ledger


@dataclass(frozen=True)
class AttemptContext:
    """Jobs have their files under `scratch`; `interrupted` is set when all attempts must stop at once.
    `min_store_time` is the time that an artefact has even where its job has used up the attempt's. `output`
    keeps what the jobs print; without it, that goes where the worker's own output does.
    `previews` keeps the first rows of files, if anything does."""

    ledger: Ledger
    kinds: Registry
    artefacts: ArtefactStore
    lease: LeasePolicy
    retry: RetryPolicy
    cancel_grace: timedelta
    owner: str
    cancellations: Cancellations
    scratch: Path
    interrupted: threading.Event
    min_store_time: timedelta = timedelta(minutes=2)
    random: Random = field(default_factory=Random)
    output: JobOutput | None = None
    previews: ArtefactPreviews | None = None


class Interrupted(WaybillError):  # noqa: N818 - the name is the sentence
    """The worker stops, and releases the report."""
