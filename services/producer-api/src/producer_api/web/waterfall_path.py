"""What a report would have been quicker without."""

from producer_api.web.waterfall_tree import Node


def mark_critical_path(top: Node) -> None:
    """Marks it, from the end back: of what is below a span, that which ended last is on the path; then what
    ended last before that began; and so on, to the span's start. Of each of these, what is below it, in the
    same way. Two that run side by side are not both on it: only the one that was waited for."""
    waiting = [(top, top.end)]
    top.critical = True
    while waiting:
        node, until = waiting.pop()
        for child in sorted(node.children, key=lambda one: (min(one.end, until), one.took), reverse=True):
            if child.start < until and child.end <= until + _TOLERANCE and child.took > 0:
                child.critical = True
                waiting.append((child, min(child.end, until)))
                until = child.start


_TOLERANCE = 1.0
"""Milliseconds: clocks of several machines, and rounding."""
