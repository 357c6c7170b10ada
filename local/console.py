"""What people read while the stack starts, runs and stops."""

from collections.abc import Mapping
from typing import TextIO

from local.ports import Ports
from local.probes import answers, has_pages
from local.run_dir import RunDir
from local.runner import Report

ADDRESSES = {
    "WAYBILL_API_URL": "API",
    "JAEGER_URL": "Jaeger",
    "OTLP_ENDPOINT": "OTLP",
    "KAFKA_BOOTSTRAP": "Kafka",
    "DATABASE_URL": "PostgreSQL",
}


def reporter(out: TextIO, word: str) -> Report:
    """A Report that prints a line for each: `✓ kafka ready after 1.9 s`."""

    def report(name: str, seconds: float) -> None:
        print(f"  ✓ {name} {word} {seconds:.1f} s", file=out, flush=True)

    return report


_KNOWN_PORTS = ("api", "worker-health", "jaeger", "otlp-http", "kafka", "postgres")
"""Those that people type; the others are between parts."""


def print_moved_ports(ports: Ports, out: TextIO) -> None:
    moved = ports.moved()
    for name in filter(moved.__contains__, _KNOWN_PORTS):
        usual, chosen = moved[name]
        print(f"  port {usual} is taken, so {name} is at {chosen}", file=out)


def print_addresses(environment: Mapping[str, str], run_dir: RunDir, out: TextIO) -> None:
    print(f"  {'pages':<11} {environment['WAYBILL_API_URL']}/", file=out)
    for variable, title in ADDRESSES.items():
        url = environment[variable]
        note = " (no web pages: built from source)" if variable == "JAEGER_URL" and not has_pages(url) else ""
        print(f"  {title:<11} {url}{note}", file=out)
    print(f"  {'logs':<11} {run_dir.logs}", file=out)
    print(f"  {'variables':<11} {run_dir.env}", file=out, flush=True)


def print_parts(run_dir: RunDir, out: TextIO) -> bool:
    """A table of the parts that run; returns whether each of them answers."""
    all_answer = True
    print(f"  {'part':<16}{'pid':>8}{'port':>7}  health", file=out)
    for part in run_dir.read_parts():
        does = answers(part.health)
        all_answer &= does
        print(
            f"  {part.name:<16}{part.pid:>8}{part.port:>7}  {'answers' if does else 'does not answer'}",
            file=out,
        )
    return all_answer
