"""Figures and states as a person reads them."""

from datetime import datetime
from math import ceil

from rich.text import Text

from waybill_client import DEFAULT_TENANT, Estimate, Report, Status, Webhook

STYLES = {
    Status.INIT: "yellow",
    Status.PROCESSING: "blue",
    Status.DONE: "green",
    Status.FAIL: "bold red",
    Status.CANCELLED: "magenta",
}

_KIB = 1024
_UNITS = (("h", 3600), ("min", 60), ("s", 1))


def duration(microseconds: float) -> str:
    """Three figures in the unit that suits: `850 µs`, `3.12 ms`, `112 ms`, `1.43 s`, `2 min 05 s`."""
    if microseconds < 999.5:
        return f"{microseconds:.0f} µs"
    if microseconds < 999_500:
        return f"{_figures(microseconds / 1e3)} ms"
    seconds = microseconds / 1e6
    if seconds < 59.95:
        return f"{_figures(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def size(number: int) -> str:
    """`48.2 KiB` from a number of bytes."""
    value = float(number)
    for unit in ("bytes", "KiB", "MiB"):
        if value < _KIB:
            return f"{number} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= _KIB
    return f"{value:.1f} GiB"


def share(part: float) -> str:
    """A part of 1 in per cent."""
    return "<1 %" if 0 < part < 0.005 else f"{part:.0%}".replace("%", " %")


def moment(time: datetime) -> str:
    """In this machine's time zone, to the second."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"


def ago(time: datetime, now: datetime) -> str:
    """How long before `now`, in the largest unit: `3 min ago`."""
    seconds = max(0, int((now - time).total_seconds()))
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def status_of(report: Report) -> Text:
    """With what keeps it from starting."""
    paused = (" (kind paused)", "red") if report.kind_paused else ""
    return Text.assemble(status(report.status), paused)


def status(value: Status) -> Text:
    return Text(value, style=STYLES[value])


def reused(attempt: int | None) -> str:
    """Of a step that did not run."""
    return "reused" if attempt is None else f"reused from attempt {attempt}"


def owner(name: str, tenant: str) -> str:
    """With the tenant where that is not the default."""
    return name if tenant == DEFAULT_TENANT else f"{name} of {tenant}"


def delivery(webhook: Webhook) -> str:
    """What has become of a webhook's call, and what was wrong with the last one."""
    said = [f"{webhook.status.replace('_', ' ')}, {webhook.url}"]
    if webhook.attempts > 1:
        said.append(f"{webhook.attempts} calls")
    if webhook.last_error:
        said.append(webhook.last_error.rstrip("."))
    if webhook.last_error and webhook.next_try_at:
        said.append(f"the next at {moment(webhook.next_try_at)}")
    return "; ".join(said)


def estimate(found: Estimate, now: datetime) -> str:
    """`starts in 20 to 50 s, ends in 1 to 2 min, 12 in the queue (estimated from 50 reports)`."""
    said = [f"ends {_between(found.end_from, found.end_to, now)}"]
    if found.position is not None:
        more = "+" if found.position_more else ""
        said = [
            f"starts {_between(found.start_from, found.start_to, now)}",
            *said,
            f"number {found.position}{more} in the queue",
        ]
    return f"{', '.join(said)} (estimated from {found.based_on} reports)"


def _between(first: datetime, last: datetime, now: datetime) -> str:
    """From now, in the unit that suits the later one: `in 2 to 4 min`."""
    least, most = (max(0.0, (time - now).total_seconds()) for time in (first, last))
    if most < 1:
        return "now"
    unit, length = next(one for one in _UNITS if most >= 2 * one[1] or one[1] == 1)
    low, high = int(least // length), ceil(most / length)
    return f"in about {high} {unit}" if low == high else f"in about {low} to {high} {unit}"


def took(report: Report) -> str:
    """From the request to the end."""
    if report.finished_at is None:
        return "-"
    return duration((report.finished_at - report.created_at).total_seconds() * 1e6)


def _figures(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
