"""producer-api: the HTTP edge of Waybill."""

from producer_api.app import create_app
from producer_api.services import Services, build_services
from producer_api.settings import ApiSettings

__all__ = ["ApiSettings", "Services", "build_services", "create_app"]
