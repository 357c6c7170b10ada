"""The application that gunicorn serves. Imported in its worker processes only, after the fork."""

from waybill.settings import load

from producer_api.app import create_app
from producer_api.services import build_services
from producer_api.settings import ApiSettings

services = build_services(load(ApiSettings))
app = create_app(services)
