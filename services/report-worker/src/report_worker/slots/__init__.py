"""Slots: child processes in which kinds run, so that whatever one does ends an attempt and not the worker."""

from report_worker.slots.errors import SlotDied, TemplateDied
from report_worker.slots.fork_server import ForkServer
from report_worker.slots.output import Output, Sink
from report_worker.slots.protocol import (
    Cancelled,
    Failed,
    FromSlot,
    Job,
    Kept,
    Options,
    Produced,
    ProducedFile,
    Reusable,
    StepEnded,
    StepStarted,
)
from report_worker.slots.slot import Slot

__all__ = [
    "Cancelled",
    "Failed",
    "ForkServer",
    "FromSlot",
    "Job",
    "Kept",
    "Options",
    "Output",
    "Produced",
    "ProducedFile",
    "Reusable",
    "Sink",
    "Slot",
    "SlotDied",
    "StepEnded",
    "StepStarted",
    "TemplateDied",
]
