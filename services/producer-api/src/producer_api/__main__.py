"""The command `producer-api`: sets up tracing, then replaces itself with gunicorn."""

from producer_api.settings import ApiSettings
from waybill.launch import launch


def main() -> None:
    launch("producer-api", ApiSettings, ["gunicorn", "-c", "python:producer_api.gunicorn_conf"])


if __name__ == "__main__":
    main()
