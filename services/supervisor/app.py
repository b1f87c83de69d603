"""The supervisor's entry: `app`, for the server alone. All others make theirs with `create_app`."""

from services.supervisor.api.application import create_app
from services.supervisor.bootstrap import build
from services.supervisor.settings import Settings

app = create_app(build(Settings()))
