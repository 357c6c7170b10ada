"""Imports what the outputs need, once for all slots: in the process that they are forked from."""

from importlib import import_module

from report_worker.files.availability import unavailable
from report_worker.files.writing import import_writers
from waybill.definitions import Output

import_writers()
if not unavailable(Output.PDF):
    import_module("weasyprint")
