"""`report-worker`: becomes the worker, with tracing set up."""

from report_worker.settings import WorkerSettings
from waybill.launch import launch


def main() -> None:
    launch("report-worker", WorkerSettings, ["python", "-m", "report_worker.run"])


if __name__ == "__main__":
    main()
