"""`report-worker`: becomes the worker, with tracing set up."""

import sys

from report_worker.settings import WorkerSettings
from waybill.errors import WaybillError
from waybill.launch import become
from waybill.settings import load


def main() -> None:
    """Checks the settings, so that a wrong one is one sentence and no traceback."""
    try:
        load(WorkerSettings)
    except WaybillError as error:
        sys.exit(f"report-worker: {error}")
    become("report-worker", ["python", "-m", "report_worker.run"])


if __name__ == "__main__":
    main()
