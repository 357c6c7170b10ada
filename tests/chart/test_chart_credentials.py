"""By what the API knows its clients: the variables of each value, what is published, the test's token."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8s import render
from k8s.programs import Helm, environment
from tests.support.manifests import Manifest, environments, only, pods

Documents = Callable[..., list[Manifest]]
Fails = Callable[..., str]
Manifests = Callable[[str], list[Manifest]]

INGRESS = {"ingress": {"enabled": True, "host": "reports.example.com"}}
PROXY = {"trustedProxies": ["10.0.0.0/8"], "auth": {"accept": ["proxy"]}}
ISSUERS = ["https://login.example.com/realms/staff", "https://partners.example.com:8443"]
OIDC: dict[str, Any] = {"issuers": ISSUERS[:1], "audience": "waybill"}


def api(documents: list[Manifest]) -> dict[str, Manifest]:
    """The variables of the API that are about credentials, by name."""
    (variables,) = [env for name, env in environments(documents) if name.endswith("/producer-api")]
    return {
        variable["name"]: variable
        for variable in variables
        if variable["name"].startswith(
            ("WAYBILL_AUTH", "WAYBILL_PROXY_", "WAYBILL_OIDC_", "WAYBILL_SESSION_")
        )
    }


def values(documents: list[Manifest]) -> dict[str, str]:
    return {name: variable["value"] for name, variable in api(documents).items() if "value" in variable}


def secrets(documents: list[Manifest]) -> dict[str, tuple[str, str]]:
    """The name and the key of the Secret of each variable that has one."""
    references = {
        name: variable["valueFrom"]["secretKeyRef"]
        for name, variable in api(documents).items()
        if "valueFrom" in variable
    }
    return {name: (reference["name"], reference["key"]) for name, reference in references.items()}


def egress(documents: list[Manifest], service: str) -> list[list[Manifest]]:
    """The ports that a service may reach anywhere, besides those of DNS."""
    rules = only(documents, "NetworkPolicy", f"-{service}")["spec"]["egress"]
    return [rule["ports"] for rule in rules if "to" not in rule][1:]


def test_without_a_value_there_is_no_variable(documents: Documents) -> None:
    assert api(documents({})) == {}


def test_each_value_is_a_variable(manifests: Manifests) -> None:
    assert values(manifests("external")) == {
        "WAYBILL_AUTH": "key,proxy,oidc",
        "WAYBILL_PROXY_USER_HEADER": "X-User",
        "WAYBILL_PROXY_TENANT_HEADER": "X-Tenant",
        "WAYBILL_PROXY_ROLES_HEADER": "X-Roles",
        "WAYBILL_OIDC_ISSUERS": ",".join(ISSUERS),
        "WAYBILL_OIDC_AUDIENCE": "waybill",
        "WAYBILL_OIDC_ALGORITHMS": "ES256",
        "WAYBILL_OIDC_OWNER_CLAIM": "email",
        "WAYBILL_OIDC_TENANT_CLAIM": "organisation",
        "WAYBILL_OIDC_ROLES_CLAIM": "groups",
        "WAYBILL_OIDC_ROLES": "report-admins=admin,report=team=requester,report=team=auditor",
        "WAYBILL_OIDC_DEFAULT_ROLES": "none",
        "WAYBILL_OIDC_CLOCK_SKEW_SECONDS": "0",
        "WAYBILL_OIDC_CLIENT_ID": "waybill",
        "WAYBILL_OIDC_SCOPES": "openid email",
        "WAYBILL_SESSION_HOURS": "0.5",
    }


def test_production_accepts_keys(manifests: Manifests) -> None:
    assert values(manifests("production")) == {"WAYBILL_AUTH": "key"}


def test_what_is_set_alone_is_there_alone(documents: Documents) -> None:
    rendered = documents({"producerApi": {"auth": {"accept": ["oidc"], "oidc": OIDC}}})

    assert values(rendered) == {
        "WAYBILL_AUTH": "oidc",
        "WAYBILL_OIDC_ISSUERS": ISSUERS[0],
        "WAYBILL_OIDC_AUDIENCE": "waybill",
    }


SIGN_IN = {"clientId": "waybill", "existingSecret": "waybill-sign-in"}


def sign_in(**more: Any) -> dict[str, Any]:
    auth = {"accept": ["oidc"], "oidc": OIDC, "signIn": {**SIGN_IN, **more}}
    return {"producerApi": {"auth": auth}}


def test_the_secrets_of_sign_in_come_from_a_secret(manifests: Manifests) -> None:
    assert secrets(manifests("external")) == {
        "WAYBILL_OIDC_CLIENT_SECRET": ("waybill-sign-in", "client-secret"),
        "WAYBILL_SESSION_SECRET": ("waybill-sign-in", "session-secret"),
    }


def test_a_client_without_a_secret_has_none(documents: Documents) -> None:
    rendered = documents(sign_in(sessionSecretKey="ours"))

    assert secrets(rendered) == {"WAYBILL_SESSION_SECRET": ("waybill-sign-in", "ours")}
    assert values(rendered)["WAYBILL_OIDC_CLIENT_ID"] == "waybill"
    assert "WAYBILL_SESSION_HOURS" not in api(rendered)


def test_no_pod_but_the_apis_has_the_secrets_of_sign_in(documents: Documents) -> None:
    holders = {
        name
        for name, variables in environments(documents(sign_in(clientSecretKey="client-secret")))
        for variable in variables
        if variable.get("valueFrom", {}).get("secretKeyRef", {}).get("name") == "waybill-sign-in"
    }

    assert len(holders) == 1
    assert holders.pop().endswith("/producer-api")


def test_a_variable_of_ones_own_may_have_the_secret_of_the_sessions(documents: Documents) -> None:
    source = {"secretKeyRef": {"name": "mine", "key": "sessions"}}
    given = sign_in(existingSecret="")
    given["producerApi"]["extraEnv"] = [{"name": "WAYBILL_SESSION_SECRET", "valueFrom": source}]

    assert secrets(documents(given)) == {"WAYBILL_SESSION_SECRET": ("mine", "sessions")}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("accept={key}", "signIn.clientId=waybill", "signIn.existingSecret=ours"),
            "producerApi.auth.signIn.clientId needs oidc in producerApi.auth.accept",
        ),
        (
            (
                "accept={oidc}",
                "oidc.issuers={https://login.example.com}",
                "oidc.audience=waybill",
                "signIn.clientId=waybill",
            ),
            "producerApi.auth.signIn.clientId needs producerApi.auth.signIn.existingSecret",
        ),
        (
            ("signIn.clientId=waybill", "signIn.existingSecret=ours", "signIn.sessionSecretKey="),
            "producerApi.auth.signIn.clientId needs producerApi.auth.signIn.existingSecret",
        ),
        (
            ("signIn.existingSecret=ours",),
            "producerApi.auth.signIn.existingSecret needs producerApi.auth.signIn.clientId",
        ),
    ],
)
def test_what_sign_in_lacks_is_said(fails: Fails, arguments: tuple[str, ...], said: str) -> None:
    assert said in fails(*(f"--set=producerApi.auth.{argument}" for argument in arguments))


@pytest.mark.parametrize(
    ("published", "name"),
    [
        (
            ("ingress.enabled=true", "ingress.host=reports.example.com"),
            "producerApi.ingress.enabled would open the API to all",
        ),
        (
            ("httpRoute.enabled=true", "httpRoute.parentRefs[0].name=edge"),
            "producerApi.httpRoute.enabled would open the API to all",
        ),
        (("service.type=LoadBalancer",), "producerApi.service.type=LoadBalancer would open the API to all"),
        (("service.type=NodePort",), "producerApi.service.type=NodePort would open the API to all"),
    ],
)
@pytest.mark.parametrize(
    "without", [(), ("extraEnv[0].name=WAYBILL_AUTH", "extraEnv[0].value=none")], ids=["default", "none"]
)
def test_an_api_without_credentials_is_not_published(
    fails: Fails, published: tuple[str, ...], name: str, without: tuple[str, ...]
) -> None:
    said = fails(*(f"--set=producerApi.{value}" for value in (*published, *without)))

    assert name in said
    assert "Set producerApi.auth.accept to key, proxy or oidc, or producerApi.auth.openToAll=true" in said
    assert "Any client that reaches it can then see, cancel and retry all reports" in said


@pytest.mark.parametrize(
    "api_values",
    [
        {"auth": {"accept": ["key"]}},
        PROXY,
        {"auth": {"accept": ["oidc"], "oidc": OIDC}},
        {"auth": {"openToAll": True}},
        {"extraEnv": [{"name": "WAYBILL_AUTH", "value": "key"}]},
        {
            "extraEnv": [
                {
                    "name": "WAYBILL_AUTH",
                    "valueFrom": {"configMapKeyRef": {"name": "waybill", "key": "auth"}},
                }
            ]
        },
    ],
    ids=["key", "proxy", "oidc", "openToAll", "key in extraEnv", "extraEnv from elsewhere"],
)
def test_with_credentials_or_by_intent_it_is(documents: Documents, api_values: dict[str, Any]) -> None:
    rendered = documents({"producerApi": {**INGRESS, **api_values}})

    assert only(rendered, "Ingress")


def test_what_a_credential_needs_may_be_in_a_variable_of_ones_own(documents: Documents) -> None:
    theirs = {
        "WAYBILL_TRUSTED_PROXIES": "10.0.0.1",
        "WAYBILL_OIDC_ISSUERS": ISSUERS[0],
        "WAYBILL_OIDC_AUDIENCE": "waybill",
    }
    extra = [{"name": name, "value": value} for name, value in theirs.items()]
    rendered = documents({"producerApi": {"auth": {"accept": ["proxy", "oidc"]}, "extraEnv": extra}})

    assert values(rendered).items() >= {"WAYBILL_AUTH": "proxy,oidc"}.items()
    assert egress(rendered, "producer-api") == [[{"port": 443}]]


def test_only_the_api_reaches_the_issuers_on_their_ports(documents: Documents) -> None:
    oidc = {**OIDC, "issuers": ISSUERS, "ownerClaim": "email"}
    rendered = documents({"producerApi": {"auth": {"accept": ["oidc"], "oidc": oidc}}})

    assert egress(rendered, "producer-api") == [[{"port": 443}, {"port": 8443}]]
    assert egress(rendered, "report-worker") == []


def test_issuers_of_tokens_that_are_not_accepted_are_out_of_reach(documents: Documents) -> None:
    rendered = documents({"producerApi": {"auth": {"accept": ["key"], "oidc": OIDC}}})

    assert egress(rendered, "producer-api") == []


def test_the_token_of_helm_test_comes_from_its_secret(documents: Documents) -> None:
    rendered = documents({"test": {"tokenSecret": {"name": "ours", "key": "api-key"}}})

    holders = {
        name: variable["valueFrom"]
        for name, variables in environments(rendered)
        for variable in variables
        if variable["name"] == "WAYBILL_TOKEN"
    }
    assert holders == {
        "waybill-first-trace/first-trace": {"secretKeyRef": {"name": "ours", "key": "api-key"}}
    }


def test_without_a_secret_it_has_none(documents: Documents) -> None:
    rendered = documents({"producerApi": {"auth": {"accept": ["key"]}}})

    (pod,) = [spec for name, _, spec in pods(rendered) if name.endswith("-first-trace")]
    names = [variable["name"] for variable in pod["containers"][0]["env"]]
    assert names == ["WAYBILL_API_URL", "JAEGER_URL"]


CREATE_KEY = "exec deploy/waybill-producer-api -- waybill create-key"


@pytest.mark.parametrize(
    ("arguments", "said", "unsaid"),
    [
        ((), ("the API asks for no credentials",), CREATE_KEY),
        (
            ("producerApi.auth.accept={key}",),
            (
                CREATE_KEY,
                'curl -s -H "Authorization: Bearer $WAYBILL_TOKEN"',
                "name it in test.tokenSecret.name",
                "create secret generic waybill-test",
                "--from-file=token=/dev/stdin",
            ),
            "asks for no credentials",
        ),
        (
            ("producerApi.auth.accept={key}", "test.tokenSecret.name=ours", "test.tokenSecret.key=api-key"),
            ("ours, key api-key", "create secret generic ours", "--from-file=api-key=/dev/stdin"),
            "name it in test.tokenSecret.name",
        ),
        (
            (
                "producerApi.auth.accept={oidc}",
                "producerApi.auth.oidc.issuers={https://login.example.com}",
                "producerApi.auth.oidc.audience=waybill",
            ),
            ("name it in test.tokenSecret.name", 'curl -s -H "Authorization: Bearer $WAYBILL_TOKEN"'),
            CREATE_KEY,
        ),
        (
            ("producerApi.auth.accept={proxy}", "producerApi.trustedProxies={10.0.0.1}"),
            ("it needs `key` among",),
            "Authorization: Bearer",
        ),
    ],
    ids=["none", "key", "key with its secret", "oidc", "proxy"],
)
def test_the_notes_say_what_to_do(
    helm: Helm, bare_server: Path, arguments: tuple[str, ...], said: tuple[str, ...], unsaid: str
) -> None:
    needed = ("kafka.mode=external", "kafka.external.bootstrapServers=kafka:9092")
    answer = subprocess.run(
        [
            helm.program, "install", "waybill", render.CHART, f"--kubeconfig={bare_server}",
            "--namespace=waybill", "--dry-run=server",
            *(f"--set={value}" for value in (*needed, *arguments)),
        ],
        capture_output=True,
        text=True,
        env=environment(HELM_KUBEINSECURE_SKIP_TLS_VERIFY="true"),
        check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    _, notes = answer.stdout.split("\nNOTES:\n")

    assert [text for text in said if text not in notes] == []
    assert unsaid not in notes
