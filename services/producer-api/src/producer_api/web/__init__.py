"""The pages: HTML from the server, a stylesheet, and scripts without a build; nothing of another address."""

from producer_api.web.blueprint import blueprint
from producer_api.web.refusals import register_refusals, wants_page

__all__ = ["blueprint", "register_refusals", "wants_page"]
