"""Kafka's names, which must resolve where they are used; topics of any name; what an uninstall leaves."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from k8s import render
from k8s.programs import ROOT, Helm
from tests.support.manifests import Manifest, only, read

Documents = Callable[..., list[Manifest]]
Fails = Callable[..., str]


def topics(documents: list[Manifest]) -> dict[str, str]:
    """The names of the resources by those of the topics."""
    return {
        document["spec"]["topicName"]: document["metadata"]["name"]
        for document in documents
        if document["kind"] == "KafkaTopic"
    }


def test_topics_whose_names_kubernetes_does_not_allow(documents: Documents) -> None:
    names = {"report": "acme_report", "reportStatus": "Acme.Report.Status-", "reportDeadLetter": "_" * 249}
    found = topics(documents({"kafka": {"topics": {key: {"name": name} for key, name in names.items()}}}))
    assert set(found) == set(names.values())
    assert found["acme_report"].startswith("waybill-acme-report-")
    for name in found.values():
        assert len(name) <= 253
        assert name == name.lower().replace("_", "").strip("-.")


def test_topics_keep_the_names_that_they_have(documents: Documents) -> None:
    """A resource of another name would be another topic to the operator."""
    assert topics(documents({})) == {
        name: f"waybill-{name}" for name in ("report", "report-status", "report-dead-letter")
    }


def test_similar_topics_get_different_resources(documents: Documents) -> None:
    names = {"report": "acme_report", "reportStatus": "acme-report", "reportDeadLetter": "Acme-report"}
    found = topics(documents({"kafka": {"topics": {key: {"name": name} for key, name in names.items()}}}))
    assert len(set(found.values())) == 3


@pytest.mark.parametrize("other", ["acme.report", "acme_report"])
def test_topics_that_kafka_would_not_tell_apart_are_refused(fails: Fails, other: str) -> None:
    names = {"report": "acme_report", "reportStatus": other}
    said = fails(*(f"--set=kafka.topics.{key}.name={name}" for key, name in names.items()))
    assert "kafka.topics.report and reportStatus have the same name or one that differs only in" in said


@pytest.mark.parametrize("name", ["", ".", "..", "acme report", "acme/report", "x" * 250])
def test_names_that_kafka_does_not_allow_are_refused(fails: Fails, name: str) -> None:
    assert "/kafka/topics/report/name" in fails(f"--set-string=kafka.topics.report.name={name}")


def test_kafka_keeps_its_data_when_a_pod_is_replaced(documents: Documents) -> None:
    (volume,) = only(documents({}), "KafkaNodePool")["spec"]["storage"]["volumes"]
    assert volume == {
        "id": 0, "type": "persistent-claim", "kraftMetadata": "shared", "size": "10Gi", "deleteClaim": True,
    }  # fmt: skip


NOTES_CLAIMS = "kubectl -n waybill delete pvc"


@pytest.fixture
def notes(helm: Helm, tmp_path: Path) -> Callable[..., str]:
    """The notes of an install: `helm template` prints none, so a copy of the chart has them in a manifest."""
    chart = tmp_path / "chart"
    shutil.copytree(render.CHART, chart, ignore=shutil.ignore_patterns("ci", "examples"))
    include = '{{ include (print .Template.BasePath "/NOTES.txt") . | toJson }}'
    (chart / "templates" / "notes.yaml").write_text(
        f"apiVersion: v1\nkind: Notes\nmetadata: {{name: notes}}\ntext: {include}\n"
    )

    def run(*arguments: str) -> str:
        answer = render.template(helm, *(f"--set={value}" for value in arguments), chart=chart)
        assert answer.returncode == 0, answer.stderr
        return str(only(read(answer.stdout), "Notes")["text"])

    return run


def test_nothing_stays_by_default(notes: Callable[..., str]) -> None:
    said = notes()
    assert "port-forward svc/waybill-producer-api 8080:8080" in said
    assert NOTES_CLAIMS not in said


def test_the_notes_name_the_volumes_that_an_uninstall_leaves(notes: Callable[..., str]) -> None:
    said = notes(
        "kafka.strimzi.nodes=3",
        "kafka.strimzi.storage.deleteClaim=false",
        "artefacts.persistence.retain=true",
        "postgresql.builtin.persistence.retain=true",
    )
    kafka = " ".join(f"data-0-waybill-nodes-{node}" for node in range(3))
    assert f"{NOTES_CLAIMS} {kafka}\n" in said
    assert "Invalid cluster.id" in said
    assert "waybill-artefacts" in said
    assert "data-waybill-postgresql-0" in said


@pytest.mark.parametrize(
    ("argument", "mentioned"),
    [("kafka.strimzi.storage.type=ephemeral", True), ("kafka.strimzi.storage.type=persistent-claim", False)],
)
def test_the_notes_say_what_an_ephemeral_broker_loses(
    notes: Callable[..., str], argument: str, mentioned: bool
) -> None:
    assert ("loses its topics" in notes(argument)) is mentioned


def test_what_the_notes_name_is_documented() -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    for phrase in ("Invalid cluster.id", "deleteClaim", "status.clusterId", "Kafka denies access"):
        assert phrase in text, phrase
