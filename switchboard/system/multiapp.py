"""`dapr.yaml`: the Dapr multi-app run format, version 1, as far as we use it."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from switchboard.system.errors import OperatorError


class Common(BaseModel):
    model_config = ConfigDict(extra="ignore")

    resources_path: str | None = Field(None, alias="resourcesPath")
    resources_paths: list[str] = Field(default_factory=list, alias="resourcesPaths")
    config_file_path: str | None = Field(None, alias="configFilePath")
    env: dict[str, str] = Field(default_factory=dict)


class App(Common):
    app_id: str = Field(alias="appID", pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")
    app_dir_path: str = Field(".", alias="appDirPath")
    app_port: int = Field(alias="appPort", gt=0, lt=65536)
    dapr_http_port: int = Field(alias="daprHTTPPort", gt=0, lt=65536)
    dapr_grpc_port: int = Field(alias="daprGRPCPort", gt=0, lt=65536)
    dapr_internal_grpc_port: int = Field(alias="daprInternalGRPCPort", gt=0, lt=65536)
    command: list[str] = Field(min_length=1)


class MultiApp(BaseModel):
    """The list of apps, and what they share."""

    model_config = ConfigDict(extra="ignore")

    version: int = Field(ge=1, le=1)
    common: Common = Field(default_factory=lambda: Common.model_validate({}))
    apps: list[App] = Field(min_length=1)


def read(path: Path) -> MultiApp:
    """Raises `OperatorError` when the file is missing or wrong, with the first thing that is wrong."""
    try:
        return MultiApp.model_validate(yaml.safe_load(path.read_text()))
    except FileNotFoundError:
        raise OperatorError(f"There is no {path}: run this in the project's folder.") from None
    except yaml.YAMLError as error:
        raise OperatorError(f"{path} is not valid YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OperatorError(f"{path} is wrong at {where}: {first['msg']}.") from None
