"""The console's entry: `app`, for the server alone. All others make theirs with `create_app`."""

from services.console.api.application import create_app
from services.console.bootstrap import build
from services.console.settings import Settings

app = create_app(build(Settings()))
