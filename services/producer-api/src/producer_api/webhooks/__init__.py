"""Webhooks: which may be requested, and the calls when their reports have ended."""

from producer_api.webhooks.requested import RequestedWebhooks
from producer_api.webhooks.sender import WebhookSender
from producer_api.webhooks.settings import WebhookSettings
from producer_api.webhooks.trying import Caller

__all__ = ["Caller", "RequestedWebhooks", "WebhookSender", "WebhookSettings"]
