"""What is misspelt, missing or contradictory fails, with a sentence that says what to do."""

from collections.abc import Callable

import pytest

Fails = Callable[..., str]

EXTERNAL_KAFKA = ("--set=kafka.mode=external", "--set=kafka.external.bootstrapServers=kafka:9092")


@pytest.mark.parametrize(
    "value",
    [
        "producerAPI.replicas=2",
        "producerApi.replica=2",
        "kafka.mode=managed",
        "kafka.strimzi.authentication=none",
        "tracing.backend=zipkin",
        "collector.mode=daemonset",
        "reportWorker.slots=0",
        "reportWorker.image.tag=latest",
        "artefacts.url=/tmp/artefacts",
        "artefacts.downloads=proxy",
        "artefacts.addressSeconds=0",
        "artefacts.addressSeconds=604801",
        "tracing.external.endpoint=http://jaeger:4317",
        "tracing.external.queryUrl=jaeger:16686",
        "tracing.external.queryUrl=http://me:secret@jaeger:16686",
        "tracing.external.queryUrl=http://jaeger:16686/?service=x",
        "networkPolicy.enabled=perhaps",
        "producerApi.pathPrefix=/..",
        "producerApi.pathPrefix=/a/./b",
        "producerApi.allowedHosts[0]=reports.example.org:8443",
        "producerApi.allowedHosts[0]=https://reports.example.org",
        "producerApi.trustedProxies[0]=ingress-nginx",
        "producerApi.auth.accept[0]=none",
        "producerApi.auth.accept=key",
        "producerApi.auth.proxy.userHeader=X-User:",
        "producerApi.auth.oidc.issuers[0]=http://login.example.com",
        "producerApi.auth.oidc.issuers[0]=https://user@login.example.com",
        "producerApi.auth.oidc.algorithms[0]=none",
        "producerApi.auth.oidc.algorithms[0]=HS256",
        "producerApi.auth.oidc.roles.staff[0]=root",
        "producerApi.auth.oidc.defaultRoles={none,admin}",
        "producerApi.auth.oidc.clockSkewSeconds=601",
        "producerApi.auth.signIn.scopes=profile email",
        "producerApi.auth.signIn.scopes=openids",
        "producerApi.auth.signIn.sessionHours=0",
        "producerApi.auth.signIn.sessionHours=721",
        "producerApi.auth.signIn.clientSecret=s3cret",
        "producerApi.webhooks.hosts[0]=https://example.com/path",
        "producerApi.webhooks.hosts[0]=*example.com",
        "producerApi.webhooks.privateNetworks[0]=inside",
        "producerApi.webhooks.secret=whsec_s3cret",
        "producerApi.webhooks.retrySeconds[0]=0",
        "collector.image.digest=sha256:0",
    ],
)
def test_the_schema_refuses(fails: Fails, value: str) -> None:
    assert "values don't meet the specifications of the schema" in fails(f"--set={value}")


@pytest.mark.parametrize(
    ("arguments", "api", "remedy"),
    [
        ((), "kafka.strimzi.io/v1", "kafka.mode=external"),
        (
            (*EXTERNAL_KAFKA, "--set=tracing.backend=jaeger-operator"),
            "jaegertracing.io/v1",
            "tracing.backend=jaeger",
        ),
        (
            (*EXTERNAL_KAFKA, "--set=tracing.backend=otel-operator"),
            "opentelemetry.io/v1beta1",
            "tracing.backend=jaeger",
        ),
        (
            (*EXTERNAL_KAFKA, "--set=collector.mode=operator"),
            "opentelemetry.io/v1beta1",
            "collector.mode=deployment",
        ),
        ((*EXTERNAL_KAFKA, "--set=reportWorker.keda.enabled=true"), "keda.sh/v1alpha1", "Install KEDA"),
        (
            (*EXTERNAL_KAFKA, "--set=serviceMonitor.enabled=true"),
            "monitoring.coreos.com/v1",
            "Prometheus operator",
        ),
        (
            (*EXTERNAL_KAFKA, "--set=producerApi.httpRoute.enabled=true"),
            "gateway.networking.k8s.io/v1",
            "Gateway API",
        ),
    ],
)
def test_a_missing_definition_fails_with_a_sentence(
    fails: Fails, arguments: tuple[str, ...], api: str, remedy: str
) -> None:
    said = fails(*arguments, apis=())
    assert f"needs {api}, which this cluster does not serve" in said
    assert remedy in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("kafka.mode=external",), "needs kafka.external.bootstrapServers"),
        (("kafka.mode=external", "kafka.external.bootstrapServers=kafka"), "must be host:port"),
        (
            (
                "kafka.mode=external",
                "kafka.external.bootstrapServers=k:1",
                "kafka.external.securityProtocol=SASL_SSL",
            ),
            "needs kafka.external.sasl.mechanism and kafka.external.sasl.existingSecret",
        ),
        (
            (
                "kafka.mode=external",
                "kafka.external.bootstrapServers=k:1",
                "kafka.external.sasl.mechanism=PLAIN",
            ),
            "kafka.external.securityProtocol is PLAINTEXT",
        ),
        (
            ("kafka.mode=external", "kafka.external.bootstrapServers=k:1", "kafka.external.caSecret.name=ca"),
            "caSecret and certificateSecret are for SSL",
        ),
        (("kafka.strimzi.replicationFactor=3",), "needs as many kafka.strimzi.nodes, and there are 1"),
        (("kafka.strimzi.minInSyncReplicas=2",), "nothing could be written"),
        (
            (
                "kafka.strimzi.nodes=3",
                "kafka.strimzi.replicationFactor=3",
                "kafka.strimzi.minInSyncReplicas=3",
            ),
            "no broker could restart",
        ),
        (("postgresql.mode=external",), "needs postgresql.external.existingSecret"),
        (("collector.mode=external", "tracing.backend=external"), "needs collector.external.endpoint"),
        (
            ("collector.mode=external", "collector.external.endpoint=http://c:4318"),
            "set tracing.backend=external",
        ),
        (("tracing.backend=external",), "needs tracing.external.endpoint"),
        (("reportWorker.drainSeconds=60",), "must be longer than preStopSeconds + drainSeconds = 61"),
        (("producerApi.preStopSeconds=40",), "producerApi.terminationGracePeriodSeconds=45"),
        (("producerApi.ingress.enabled=true",), "needs producerApi.ingress.host"),
        (("producerApi.httpRoute.enabled=true",), "needs producerApi.httpRoute.parentRefs"),
        (
            ("producerApi.autoscaling.enabled=true", "producerApi.autoscaling.minReplicas=11"),
            "autoscaling.minReplicas exceeds maxReplicas",
        ),
        (("reportWorker.keda.enabled=true",), "exceeds kafka.topics.report.partitions=8"),
        (("artefacts.existingSecret=s3",), "set artefacts.url"),
        (("producerApi.auth.accept={proxy}",), "accept: proxy needs producerApi.trustedProxies"),
        (("producerApi.auth.accept={oidc}",), "accept: oidc needs producerApi.auth.oidc.issuers"),
        (
            ("producerApi.auth.accept={key,oidc}", "producerApi.auth.oidc.issuers={https://a.example.com}"),
            "accept: oidc needs producerApi.auth.oidc.audience",
        ),
        (
            ("producerApi.auth.oidc.issuers={https://a.example.com,https://b.example.com}",),
            "need producerApi.auth.oidc.ownerClaim",
        ),
    ],
)
def test_contradictory_values_fail_with_a_sentence(
    fails: Fails, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in fails(*(f"--set={value}" for value in arguments))
