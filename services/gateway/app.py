"""The model gateway's entry: `app`, for the server alone. All others make theirs with `create_app`."""

from services.gateway.api.application import create_app
from services.gateway.bootstrap import build
from services.gateway.settings import Settings

app = create_app(build(Settings()))
