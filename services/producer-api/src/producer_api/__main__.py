"""`producer-api`: becomes gunicorn, with tracing set up."""

import sys

from producer_api.settings import ApiSettings
from waybill.errors import WaybillError
from waybill.launch import become
from waybill.settings import load


def main() -> None:
    """Checks the settings first, so that a wrong one is said once and not by each of gunicorn's workers."""
    try:
        load(ApiSettings)
    except WaybillError as error:
        sys.exit(f"producer-api: {error}")
    become("producer-api", ["gunicorn", "-c", "python:producer_api.gunicorn_conf"])


if __name__ == "__main__":
    main()
