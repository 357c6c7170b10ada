"""Slots: child processes in which kinds run, so that whatever one does ends an attempt and not the worker."""

from report_worker.slots.pool import Slot, SlotDied, SlotPool
from report_worker.slots.protocol import Cancelled, Failed, FromSlot, Job, Produced, StepEnded, StepStarted

__all__ = [
    "Cancelled",
    "Failed",
    "FromSlot",
    "Job",
    "Produced",
    "Slot",
    "SlotDied",
    "SlotPool",
    "StepEnded",
    "StepStarted",
]
