"""What tells why a stage failed: pods, events, and the logs of whatever is not well."""

import json

from k8s.smoke.cluster import Cluster, Failed

LINES = 40


def diagnose(cluster: Cluster) -> str:
    """Never raises: what cannot be asked is left out with a word."""
    parts = [
        _said(cluster, "get", "pods,jobs,pvc", "--output=wide"),
        _tail(_said(cluster, "get", "events", "--sort-by=.lastTimestamp")),
        *(_tail(_said(cluster, "describe", "pod", pod)) for pod in _unwell(cluster)),
        *(_logs(cluster, pod) for pod in _pods(cluster)),
    ]
    return "\n".join(parts)


def _logs(cluster: Cluster, pod: str) -> str:
    options = ("--all-containers", f"--tail={LINES}", "--prefix")
    now = _said(cluster, "logs", pod, *options)
    before = _said(cluster, "logs", pod, *options, "--previous")
    return f"== logs of {pod}\n{now}" + (
        "" if "not found" in before else f"\n== before its restart\n{before}"
    )


def _pods(cluster: Cluster) -> list[str]:
    return [name.removeprefix("pod/") for name in _said(cluster, "get", "pods", "--output=name").split()]


def _unwell(cluster: Cluster) -> list[str]:
    try:
        pods = json.loads(cluster.kubectl("get", "pods", "--output=json"))["items"]
    except (Failed, ValueError):
        return []
    return [
        pod["metadata"]["name"]
        for pod in pods
        if pod["status"]["phase"] != "Succeeded"
        and not all(status["ready"] for status in pod["status"].get("containerStatuses", [{"ready": False}]))
    ]


def _said(cluster: Cluster, *arguments: str) -> str:
    try:
        return cluster.kubectl(*arguments, seconds=30)
    except Failed as error:
        return str(error)


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-LINES:])
