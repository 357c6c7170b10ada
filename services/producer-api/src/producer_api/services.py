"""What a producer-api process is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from producer_api.access import Authenticator
from producer_api.access.browsers import BrowserAccess
from producer_api.access.cookies import SignedCookie
from producer_api.access.keys import KeyAuthenticator
from producer_api.access.oidc import OidcAuthenticator
from producer_api.access.proxy import ProxyAuthenticator
from producer_api.access.session import SessionAuthenticator
from producer_api.access.sign_in import SignIn
from producer_api.log_hub import LogHub
from producer_api.operation_runner import OperationRunner
from producer_api.places import Places
from producer_api.policies import DownloadPolicy, HostPolicy, ProxyPolicy, StreamPolicy
from producer_api.readiness import Readiness
from producer_api.settings import ApiSettings, Auth
from producer_api.status_hints import StatusHints
from producer_api.status_hub import StatusHub
from producer_api.stream_limits import StreamLimits
from producer_api.waterfall import Jaeger, Waterfalls
from producer_api.webhooks import Caller, RequestedWebhooks, WebhookSender
from waybill.artefacts import ArtefactStore
from waybill.domain import EVERYTHING
from waybill.kinds import Registry
from waybill.ledger import (
    ApiKeys,
    ArtefactPreviews,
    ChoiceLists,
    DeadLetters,
    Deleting,
    Estimates,
    KindLimits,
    Ledger,
    Limits,
    Operations,
    Overview,
    ParameterSets,
    ReportLogs,
    SavedViews,
)
from waybill.outbound import outbound_client
from waybill.runtime import Runtime
from waybill.store import rights


@dataclass(frozen=True)
class Services:
    """Everything a request may need; made after gunicorn's fork, one for each process. `webhook_sender` is
    None where webhooks are off."""

    ledger: Ledger
    dead_letters: DeadLetters
    api_keys: ApiKeys
    kinds: Registry
    kind_limits: KindLimits
    parameter_sets: ParameterSets
    saved_views: SavedViews
    artefacts: ArtefactStore
    choice_lists: ChoiceLists
    overview: Overview
    previews: ArtefactPreviews
    report_logs: ReportLogs
    hub: StatusHub
    log_hub: LogHub
    hints: StatusHints
    readiness: Readiness
    places: Places
    downloads: DownloadPolicy
    limits: Limits
    stream_limits: StreamLimits
    waterfalls: Waterfalls
    jaeger: Jaeger
    jaeger_public_url: str
    """Of its pages, without a slash at the end; empty where that is not known."""
    stream: StreamPolicy
    hosts: HostPolicy
    proxies: ProxyPolicy
    authenticators: Sequence[Authenticator]
    browsers: BrowserAccess | None
    webhooks: RequestedWebhooks
    webhook_sender: WebhookSender | None
    max_body_bytes: int
    operations: Operations
    operation_runner: OperationRunner
    deleting: Deleting
    estimates: Estimates
    runtime: Runtime

    def start(self) -> None:
        """Starts the runtime, the hubs and what wakes them, the count of streams, the work on operations, and
        what calls webhooks, each in its threads."""
        self.runtime.start()
        self.hub.start()
        self.log_hub.start()
        self.hints.start()
        self.stream_limits.start()
        self.operation_runner.start()
        if self.webhook_sender:
            self.webhook_sender.start()

    def drain(self) -> None:
        """Ends the open status streams; their clients reconnect elsewhere and resume."""
        self.hub.drain()

    def stop(self) -> None:
        """Publishes what is committed, and ends the threads."""
        self.hints.stop()
        self.hub.stop()
        self.log_hub.stop()
        self.stream_limits.stop()
        self.operation_runner.stop()
        if self.webhook_sender:
            self.webhook_sender.stop()
        self.runtime.stop()
        self.runtime.close()


def build_services(settings: ApiSettings) -> Services:
    """Connects to nothing yet."""
    runtime = Runtime(
        "producer-api",
        settings,
        rights.API,
        pool_size=settings.database_pool_size,
        # Workers recover first: the spans that are ended then should bear their service's name.
        recovery_grace=settings.lease.time_to_live,
    )
    hub = StatusHub(runtime.ledger.events_after_each, settings.stream)
    hints = StatusHints(runtime.kafka, settings.topics.report_status, hub.hint)
    jaeger = Jaeger(settings.jaeger_url or None)
    bearers = OidcAuthenticator(settings.oidc)
    browsers = _browsers(settings, bearers) if settings.oidc_client_id else None
    return Services(
        ledger=runtime.ledger,
        dead_letters=runtime.dead_letters,
        api_keys=runtime.api_keys,
        kinds=_kinds(runtime.kinds, settings.definitions),
        kind_limits=runtime.kind_limits,
        parameter_sets=runtime.parameter_sets,
        saved_views=runtime.saved_views,
        artefacts=runtime.artefacts,
        choice_lists=runtime.choice_lists,
        overview=runtime.overview,
        previews=runtime.previews,
        report_logs=runtime.report_logs,
        hub=hub,
        log_hub=LogHub(runtime.report_logs.after_each, settings.stream),
        hints=hints,
        readiness=Readiness(runtime.check_database, hub, hints, runtime.publishing),
        places=Places(settings.max_long_answers),
        downloads=settings.downloads,
        limits=runtime.limits,
        stream_limits=StreamLimits(lambda: runtime.limits.page(EVERYTHING), runtime.stream_rows()),
        waterfalls=Waterfalls(runtime.ledger, jaeger),
        jaeger=jaeger,
        jaeger_public_url=settings.jaeger_public_url.rstrip("/"),
        stream=settings.stream,
        hosts=settings.hosts,
        proxies=settings.proxies,
        authenticators=_authenticators(settings, runtime.api_keys, bearers, browsers),
        browsers=browsers,
        webhooks=RequestedWebhooks(runtime.webhooks, settings.webhook_targets),
        webhook_sender=_webhook_sender(settings, runtime) if settings.webhook_hosts else None,
        max_body_bytes=settings.max_body_bytes,
        operations=runtime.operations,
        operation_runner=OperationRunner(
            runtime.operations.work,
            runtime.lease_of_task("operations", 6 * settings.maintenance_interval),
            2 * settings.maintenance_interval,
        ),
        deleting=runtime.deleting,
        estimates=runtime.estimates,
        runtime=runtime,
    )


def _kinds(installed: Registry, folder: str) -> Registry:
    """With those that a folder defines, which are read for the first time here, so that faults are logged."""
    if not folder:
        return installed
    # imported where it is needed: it takes a second, and memory
    from waybill.definitions import DefinedKinds, DefinitionFolder

    definitions = DefinitionFolder(Path(folder))
    _ = definitions.current
    return DefinedKinds(installed, definitions)


def _authenticators(
    settings: ApiSettings, keys: ApiKeys, bearers: OidcAuthenticator, browsers: BrowserAccess | None
) -> list[Authenticator]:
    """In the order in which they are asked; none where no client needs a credential."""
    known: dict[Auth, Authenticator] = {
        Auth.KEY: KeyAuthenticator(keys),
        Auth.OIDC: bearers,
        Auth.PROXY: ProxyAuthenticator(settings.proxy_headers),
    }
    accepted = [authenticator for sort, authenticator in known.items() if sort in settings.accepted]
    return [*accepted, browsers.sessions] if browsers else accepted


def _webhook_sender(settings: ApiSettings, runtime: Runtime) -> WebhookSender:
    client = outbound_client(settings.webhook_targets)
    interval = settings.maintenance_interval
    return WebhookSender(
        runtime.webhooks,
        runtime.lease_of_task("webhooks", 3 * interval),
        settings.webhook_deliveries,
        interval,
        Caller(client, settings.webhook_signer, settings.path_prefix).call,
    )


def _browsers(settings: ApiSettings, bearers: OidcAuthenticator) -> BrowserAccess:
    """They sign in at the issuers whose bearer tokens are accepted."""
    policy = settings.session(plain_on_loopback=settings.listens_on_loopback)
    return BrowserAccess(
        SignIn(settings.sign_in, settings.oidc.claims, bearers.tokens),
        SessionAuthenticator(policy, settings.oidc.issuers),
        SignedCookie("waybill-login", policy.secrets, plain_on_loopback=policy.plain_on_loopback),
    )
