"""Every statement that Waybill sends, each with a sentence that says what it is for.

They run in the transaction of the connection that they are given; none of them commits. Times are the
database's own: there is one clock for leases, however wrong a worker's may be.
"""

from waybill.store.statements import (
    artefact_previews,
    artefacts,
    attempts,
    choice_lists,
    dead_letters,
    dispatch,
    events,
    idempotency,
    limits,
    outbox,
    overview,
    publications,
    records,
    reports,
    step_results,
)

__all__ = [
    "artefact_previews",
    "artefacts",
    "attempts",
    "choice_lists",
    "dead_letters",
    "dispatch",
    "events",
    "idempotency",
    "limits",
    "outbox",
    "overview",
    "publications",
    "records",
    "reports",
    "step_results",
]
