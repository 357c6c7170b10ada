"""docs/performance.md: what was measured, with charts, between two marks; the rest is written by hand."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench.charts import Bar, bars
from tests.bench.counts.bounds import BOUNDS, shown
from tests.bench.peers.catalog import PEERS
from tests.bench.results import Circumstances, Ratio, Results
from tests.bench.targets import TARGETS, Better, Target

BEGIN, END = "<!-- measured: written by make bench -->", "<!-- measured: end -->"
_CHARTS = "performance"
_DRAIN = "drain_"
_A_SECOND = 10_000
_SITUATIONS = {
    "one report alone": "alone",
    "one report under load": "load",
    "a further step alone": "step_alone",
    "a further step under load": "step_load",
}
_PARTS = {
    "worker": "worker",
    "slots": "slots",
    "API": "producer-api",
    "PostgreSQL": "postgres",
    "Kafka": "kafka",
    "collector": "collector",
    "Jaeger": "jaeger",
}


def write(page: Path, results: Results) -> None:
    """Puts what was measured between the marks, and the charts into a folder beside the page."""
    folder = page.parent / _CHARTS
    folder.mkdir(exist_ok=True)
    for name, chart in charts(results).items():
        (folder / f"{name}.svg").write_text(chart)
    page.write_text(replaced(page.read_text(), render(results)))


def replaced(text: str, measured: str) -> str:
    """The page with something else between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"the page must have the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{measured}\n{END}{after}"


def charts(results: Results) -> Mapping[str, str]:
    """By name, those for which something was measured."""
    found = {}
    if results.ratios:
        found["ratios"] = bars(
            "How much of what must be is reached (the line: all of it)",
            list(_reached(results)),
            line=1,
            most=1.5,
        )
    if drained := list(_drained(results)):
        found["drain"] = bars("Jobs drained in a second, with two slots", drained)
    if results.counted:
        found["processor"] = bars("Processor time in ms", list(_processor(results.counted.counts)))
    return found


def _reached(results: Results) -> Iterator[Bar]:
    for name, target in TARGETS.items():
        ratio = results.ratios.get(name)
        if ratio and target.must:
            share = ratio.value / target.must if target.better is Better.MORE else target.must / ratio.value
            yield Bar(name, {"reached": share}, f"{ratio.value:.3g}, must {target.wanted(target.must)}")


def _drained(results: Results) -> Iterator[Bar]:
    ratios = [ratio for name, ratio in results.ratios.items() if name.startswith(_DRAIN)]
    sides = {side: value for ratio in ratios for side, value in ratio.sides.items()}
    for side, value in sorted(sides.items(), key=lambda item: item[1]):
        yield Bar(side, {"jobs": value}, f"{value:,.0f}/s")


def _processor(counts: Mapping[str, float]) -> Iterator[Bar]:
    for label, situation in _SITUATIONS.items():
        parts = {title: max(0.0, counts[f"cpu_ms_{part}_{situation}"]) for title, part in _PARTS.items()}
        yield Bar(label, parts, f"{counts[f'cpu_ms_{situation}']:.1f} ms")


def render(results: Results) -> str:
    """What stands between the marks."""
    sections = [_ratios(results), _peers(results)]
    if results.counted:
        sections.append(_counts(results.counted.counts, results.counted.circumstances))
    return "\n".join(sections)


def _ratios(results: Results) -> str:
    lines = [
        "## Ratios",
        "",
        *_chart("ratios", "How much of what must be is reached", results),
        "The median of the rounds, and the lowest and highest of them; what both sides came to themselves;"
        " the machine's load average meanwhile.",
        "",
        "| what | before | now | rounds | must | goal | sides | load | measured by |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, target in TARGETS.items():
        ratio = results.ratios.get(name)
        lines.append(_line(name, target, ratio) if ratio else _unmeasured(name, target))
    return "\n".join([*lines, ""])


def _line(name: str, target: Target, ratio: Ratio) -> str:
    low, high = ratio.spread
    sides = "; ".join(f"{side} {shown(value)}" for side, value in ratio.sides.items())
    cells = (
        f"`{name}`: {target.what}",
        _optional(target.before),
        f"**{ratio.value:.3g}**",
        f"{ratio.rounds}: {low:.3g} to {high:.3g}",
        target.wanted(target.must),
        target.wanted(target.goal),
        f"{sides} {ratio.unit}",
        _load(ratio.circumstances),
        _measured(ratio.circumstances),
    )
    return f"| {' | '.join(cells)} |"


def _unmeasured(name: str, target: Target) -> str:
    command = f"`make bench BENCH=full BENCH_ONLY={target.part}`"
    wanted = f"{target.wanted(target.must)} | {target.wanted(target.goal)}"
    before = _optional(target.before)
    return f"| `{name}`: {target.what} | {before} | not measured | | {wanted} | | | {command} |"


def _optional(value: float | None) -> str:
    return "" if value is None else shown(value)


def _load(circumstances: Circumstances) -> str:
    low, high = circumstances.load
    return f"{low:g} to {high:g}, {circumstances.cores} cores"


def _measured(circumstances: Circumstances) -> str:
    return f"`{circumstances.command}`, {circumstances.at}"


def _chart(name: str, title: str, results: Results) -> list[str]:
    """The lines that show it, if there is anything to be shown."""
    return [f"![{title}]({_CHARTS}/{name}.svg)", ""] if name in charts(results) else []


def _peers(results: Results) -> str:
    lines = [
        "## What it is measured beside",
        "",
        *_chart("drain", "Jobs drained in a second, with two slots", results),
        "Every job does the same: it leaves a small file. Waybill has one worker with two slots, PostgreSQL"
        " with fsync at each commit, Kafka, tracing on, an event for each change.",
        "",
        "| | set up as | an accepted job survives |",
        "|---|---|---|",
        *(f"| {peer.title} | {peer.set_up} | {peer.durability} |" for peer in PEERS.values()),
    ]
    return "\n".join([*lines, ""])


def _counts(counts: Mapping[str, float], circumstances: Circumstances) -> str:
    lines = [
        "## What one report takes",
        "",
        f"![Processor time of one report]({_CHARTS}/processor.svg)",
        "",
        f"{_measured(circumstances)}, load {_load(circumstances)}. *Alone*: one after the other, nothing else"
        " to do; *under load*: requested at once by eight clients. What the same time costs without a report"
        " is subtracted. WAL is without full-page images. CI fails above the bound.",
        "",
        "| count | before | now | bound | must | goal | |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, bound in BOUNDS.items():
        wanted = (_optional(one) for one in (bound.must, bound.goal))
        now = f"**{shown(counts[name])}** {bound.unit}".rstrip() if name in counts else "not counted"
        cells = (f"`{name}`", _optional(bound.before), now, shown(bound.most), *wanted, bound.what)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_on_paper(counts), ""])


def _on_paper(counts: Mapping[str, float]) -> list[str]:
    """What many more reports would take, if each cost what it costs under load here."""
    needs = {
        **{
            f"cores for {title}": counts[f"cpu_ms_{part}_load"] * _A_SECOND / 1000
            for title, part in _PARTS.items()
        },
        "PostgreSQL: transactions that write, in a second": counts["write_transactions_load"] * _A_SECOND,
        "… statements in a second": counts["statements_load"] * _A_SECOND,
        "… WAL, MB/s": counts["wal_bytes_load"] * _A_SECOND / 10**6,
        "Kafka: messages in a second": counts["messages_load"] * _A_SECOND,
        "… to workers, MB/s": max(0.0, counts["kafka_bytes_load"]) * _A_SECOND / 10**6,
    }
    return [
        f"### On paper: {_A_SECOND:,} one-step reports in a second",
        "",
        "Each report at the costs above under load, however many processes they are spread over.",
        "",
        "| it would take | |",
        "|---|---|",
        *(f"| {what} | {shown(value)} |" for what, value in needs.items()),
    ]
