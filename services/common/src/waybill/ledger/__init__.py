"""The ledger: every change of a report, in one transaction with its event and its messages."""

from waybill.ledger.api_keys import ApiKeys
from waybill.ledger.artefact_previews import ArtefactPreviews
from waybill.ledger.changes import Changes
from waybill.ledger.choice_lists import ChoiceLists
from waybill.ledger.dead_letters import DeadLetters
from waybill.ledger.definitions import DefinitionMissing, StoredDefinitions
from waybill.ledger.deleting import Deleting
from waybill.ledger.errors import KeyInFlight, KeyReused, LeaseLost, LimitReached, NotRedrivable
from waybill.ledger.estimates import Estimates
from waybill.ledger.kind_limits import KindLimits
from waybill.ledger.ledger import IdempotencyKey, Ledger, Silence
from waybill.ledger.letters import UnreadMessage
from waybill.ledger.limits import Limits
from waybill.ledger.operations import Count, Operations, TooManyOperations, Wanted
from waybill.ledger.outgoing import Committed, Entry, Nowhere, Outgoing, Published, Row, publication_entry
from waybill.ledger.overview import (
    HOURS,
    MOST_COUNTED,
    MOST_TIMED,
    Figures,
    KindNow,
    KindsNow,
    Overview,
    WaitingNow,
)
from waybill.ledger.parameter_sets import ParameterSets, TooManyParameterSets
from waybill.ledger.recovery import Recovered, Recovery
from waybill.ledger.report_logs import ReportLogs
from waybill.ledger.retention import Removed, Retention
from waybill.ledger.saved_views import SavedViews, TooManySavedViews
from waybill.ledger.transactions import Transactions
from waybill.ledger.webhooks import Webhooks
from waybill.ledger.writer import Pending

__all__ = [
    "HOURS",
    "MOST_COUNTED",
    "MOST_TIMED",
    "ApiKeys",
    "ArtefactPreviews",
    "Changes",
    "ChoiceLists",
    "Committed",
    "Count",
    "DeadLetters",
    "DefinitionMissing",
    "Deleting",
    "Entry",
    "Estimates",
    "Figures",
    "IdempotencyKey",
    "KeyInFlight",
    "KeyReused",
    "KindLimits",
    "KindNow",
    "KindsNow",
    "LeaseLost",
    "Ledger",
    "LimitReached",
    "Limits",
    "NotRedrivable",
    "Nowhere",
    "Operations",
    "Outgoing",
    "Overview",
    "ParameterSets",
    "Pending",
    "Published",
    "Recovered",
    "Recovery",
    "Removed",
    "ReportLogs",
    "Retention",
    "Row",
    "SavedViews",
    "Silence",
    "StoredDefinitions",
    "TooManyOperations",
    "TooManyParameterSets",
    "TooManySavedViews",
    "Transactions",
    "UnreadMessage",
    "WaitingNow",
    "Wanted",
    "Webhooks",
    "publication_entry",
]
