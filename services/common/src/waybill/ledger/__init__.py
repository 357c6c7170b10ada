"""The ledger: every change of a report, in one transaction with the event and messages that announce it."""

from waybill.ledger.dead_letters import DeadLetterOffice, NotRedrivable, UnreadMessage
from waybill.ledger.ledger import IdempotencyKey, KeyInFlight, KeyReused, LeaseLost, Ledger
from waybill.ledger.recorder import Announce, Recorder
from waybill.ledger.upkeep import Reaped, Upkeep

__all__ = [
    "Announce",
    "DeadLetterOffice",
    "IdempotencyKey",
    "KeyInFlight",
    "KeyReused",
    "LeaseLost",
    "Ledger",
    "NotRedrivable",
    "Reaped",
    "Recorder",
    "UnreadMessage",
    "Upkeep",
]
