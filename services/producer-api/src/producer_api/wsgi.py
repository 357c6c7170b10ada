"""The application that gunicorn serves. Imported in its worker processes only, after the fork."""

from producer_api.app import create_app
from producer_api.services import build_services
from producer_api.settings import ApiSettings
from waybill.settings import load

services = build_services(load(ApiSettings))
app = create_app(services)
