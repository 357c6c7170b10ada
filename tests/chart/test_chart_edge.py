"""How the API is reached: its names, its path, the proxies before it, and its probes beside it."""

from typing import Any

import pytest
import yaml

from k8s.programs import any_helm
from k8s.render import template


def documents(*values: str) -> dict[str, Any]:
    """The manifests of the API by kind, rendered with these values."""
    published = "producerApi.auth.openToAll=true"  # who may reach it is not what these tests are about
    arguments = [
        f"--set{'-json' if '=[' in value or '={' in value else ''}={value}" for value in (published, *values)
    ]
    answer = template(any_helm(), *arguments)
    assert answer.returncode == 0, answer.stderr
    return {
        document["kind"]: document
        for document in yaml.safe_load_all(answer.stdout)
        if document and document["metadata"]["name"] == "waybill-producer-api"
    }


def environment(manifests: dict[str, Any]) -> dict[str, str]:
    (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}


def test_the_probes_ask_a_listener_that_no_client_can_reach() -> None:
    manifests = documents()
    (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    assert {
        container[f"{probe}Probe"]["httpGet"]["port"] for probe in ("startup", "liveness", "readiness")
    } == {"health"}
    assert environment(manifests)["WAYBILL_HEALTH_LISTEN"] == f"0.0.0.0:{ports['health']}"
    assert [port["targetPort"] for port in manifests["Service"]["spec"]["ports"]] == ["http"]
    assert manifests["NetworkPolicy"]["spec"]["ingress"][0]["ports"] == [{"port": "http"}]


@pytest.mark.parametrize(
    ("values", "hosts"),
    [
        ((), ""),
        (("producerApi.allowedHosts[0]=*.example.org",), ",*.example.org"),
        (("producerApi.ingress.enabled=true", "producerApi.ingress.host=a.example.com"), ",a.example.com"),
        (('producerApi.httpRoute={"enabled": true, "parentRefs": [{"name": "edge"}]}',), ",*"),
        (
            (
                'producerApi.httpRoute={"enabled": true, "parentRefs": [{"name": "edge"}], '
                '"hostnames": ["b.example.com", "c.example.com"]}',
            ),
            ",b.example.com,c.example.com",
        ),
    ],
)
def test_the_api_knows_every_name_that_the_chart_gives_it(values: tuple[str, ...], hosts: str) -> None:
    allowed = environment(documents(*values))["WAYBILL_ALLOWED_HOSTS"]

    assert allowed == f"waybill-producer-api.waybill{hosts}"


def test_a_path_prefix_is_that_of_ingress_route_and_links() -> None:
    manifests = documents(
        "producerApi.pathPrefix=/waybill",
        "producerApi.ingress.enabled=true",
        "producerApi.ingress.host=a.example.com",
        'producerApi.httpRoute={"enabled": true, "parentRefs": [{"name": "edge"}]}',
    )

    assert environment(manifests)["WAYBILL_PATH_PREFIX"] == "/waybill"
    (rule,) = manifests["Ingress"]["spec"]["rules"]
    assert [path["path"] for path in rule["http"]["paths"]] == ["/waybill"]
    (route,) = manifests["HTTPRoute"]["spec"]["rules"]
    assert [match["path"]["value"] for match in route["matches"]] == ["/waybill"]


def test_no_proxy_is_trusted_unless_it_is_named() -> None:
    assert "WAYBILL_TRUSTED_PROXIES" not in environment(documents())

    trusting = documents('producerApi.trustedProxies=["10.0.0.0/8", "fd00::/8"]')

    assert environment(trusting)["WAYBILL_TRUSTED_PROXIES"] == "10.0.0.0/8,fd00::/8"
