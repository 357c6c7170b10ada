"""Imports what the outputs need, once in the process that slots are forked from: not anew in each of them."""

from importlib import import_module

from report_worker.files.availability import unavailable
from report_worker.files.writing import import_writers
from waybill.definitions import Output

import_writers()
if not unavailable(Output.PDF):
    import_module("weasyprint")
