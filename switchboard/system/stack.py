"""A whole running system: its life from free ports to the last process gone."""

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import yaml

from switchboard.contracts import demo
from switchboard.system import app as apps
from switchboard.system import control_plane, environment, multiapp, redis, resources
from switchboard.system.agent import agent_id
from switchboard.system.app import AppPorts, Surroundings
from switchboard.system.credentials import Credentials
from switchboard.system.errors import OperatorError
from switchboard.system.multiapp import App, MultiApp
from switchboard.system.ports import Ports, holder, is_taken
from switchboard.system.process import Child, Spawner, stop
from switchboard.system.readiness import agents_known, why_not_ready
from switchboard.system.restarts import Restarts
from switchboard.system.runfile import Key, Process, RunFile
from switchboard.system.runtime import Runtime
from switchboard.system.spec import Silent, SystemSpec, Watcher

AGENTS_KNOWN_S = 30.0
"""A specialist that is ready has registered; the supervisor hears of it within a second or reads it every few."""
APPS_STOP_S, SIDECARS_STOP_S, REDIS_STOP_S = 5.0, 2.0, 1.0
"""Together the 8 seconds after which nothing is left. Apps go first: they sign off through their sidecars."""
PRIVATE_FOLDER = 0o700
DISK_FREE_BYTES_MIN = 200_000_000
KEYS_FILE = "services/supervisor/demo-keys.yaml"


class Stack:
    """`start` once, `stop` once (again is allowed); `children` by name in between."""

    def __init__(self, spec: SystemSpec, runtime: Runtime, watcher: Watcher | None = None) -> None:
        self.spec = spec
        self.runtime = runtime
        self.children: dict[str, Child] = {}
        self._watcher = watcher or Silent()
        self._ports = Ports()
        self._spawner = Spawner()
        self._stopping = threading.Event()
        self._lock: IO[str] | None = None
        self._monitor: threading.Thread | None = None
        self._run: RunFile | None = None

    @property
    def run(self) -> RunFile:
        """Raises `RuntimeError` before `start`."""
        if self._run is None:
            raise RuntimeError("The system is not started.")
        return self._run

    @property
    def run_path(self) -> Path:
        return self.spec.state_dir / "run.json"

    def start(self) -> RunFile:
        """Returns when every app is ready. Raises `OperatorError`; then nothing is left running."""
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> RunFile:
        definition = multiapp.read(self.spec.project / self.spec.multi_app)
        chosen = self._chosen(definition)
        self._prepare_state_dir()
        ports = {app.app_id: self._app_ports(app) for app in chosen}
        redis_name, redis_port = redis.split(self.spec.redis_host)
        own_redis = redis_name in redis.LOCAL_NAMES
        if own_redis and self.spec.free_ports:
            redis_port = self._ports.take()
        redis_host = f"localhost:{redis_port}" if own_redis else self.spec.redis_host
        credentials = Credentials.made(
            redis_password=None if own_redis else os.environ.get(environment.REDIS_PASSWORD, "")
        )
        infrastructure: list[Child] = []
        if own_redis:
            folder, log = self._dir("redis"), self._log("redis")
            infrastructure.append(redis.server(redis_port, folder, log, credentials.redis_password))
        infrastructure += self._control_plane()
        around = self._surroundings(definition, ports, redis_host, infrastructure, credentials)
        pairs = [pair for app in chosen for pair in self._replicas(app, ports[app.app_id], definition, around)]
        everything = [*infrastructure, *(child for pair in pairs for child in pair)]
        if not self.spec.free_ports:
            _check_ports(everything)
        self._launch(infrastructure, pairs, redis_port if own_redis else None, credentials.redis_password)
        self._run = self._run_file(around, ports)
        self._wait_agents(chosen, self._run)
        self._run.save(self.run_path)
        if self.spec.supervise:
            restarts = Restarts(self.children, self._spawner, self._watcher, self._save_pids)
            self._monitor = threading.Thread(target=restarts.run, args=(self._stopping,), name="monitor", daemon=True)
            self._monitor.start()
        return self._run

    def stop(self) -> None:
        """Ends every process it started; returns when none is left."""
        self._stopping.set()
        if self._monitor is not None:
            self._monitor.join(timeout=5)
        by_kind: dict[str, list[Child]] = {"app": [], "sidecar": [], "infrastructure": []}
        for child in self.children.values():
            by_kind["infrastructure" if child.name == "redis" else "sidecar" if child.kind != "app" else "app"].append(
                child
            )
        stop(by_kind["app"], APPS_STOP_S)
        stop(by_kind["sidecar"], SIDECARS_STOP_S)
        stop(by_kind["infrastructure"], REDIS_STOP_S)
        self._spawner.close()
        self._ports.release()
        if self._lock is not None:
            self.run_path.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def restart(self, name: str, ready_s: float | None = None) -> None:
        """Starts a process again (ending it first if it runs) and waits until it is ready. Raises `OperatorError`."""
        child = self.children[name]
        stop([child], APPS_STOP_S)
        child.start(self._spawner)
        self._wait_ready(child, time.monotonic() + (ready_s or self.spec.ready_s))
        self._save_pids()

    # -- preparing

    def _chosen(self, definition: MultiApp) -> list[App]:
        known = {app.app_id: app for app in definition.apps}
        for wanted in [*(self.spec.apps or []), *self.spec.replicas]:
            if wanted not in known:
                raise OperatorError(f"There is no app {wanted!r} in {self.spec.multi_app}: it has {', '.join(known)}.")
        return [app for app in definition.apps if self.spec.apps is None or app.app_id in self.spec.apps]

    def _prepare_state_dir(self) -> None:
        folder = self.spec.state_dir
        try:
            _make_private(folder)  # customers' words, keys and secrets are in it
            lock = (folder / "up.lock").open("w")
        except OSError as error:
            raise OperatorError(
                f"{folder} cannot be written ({error.strerror}): choose another with --state-dir."
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise OperatorError(
                f"A system is already running with {folder}: stop it, or start a second one with --free-ports --state-dir."
            ) from None
        self._lock = lock
        free = shutil.disk_usage(folder).free
        if free < DISK_FREE_BYTES_MIN:
            raise OperatorError(f"The disk of {folder} is full ({free / 1e6:.0f} MB free): free at least 200 MB.")
        for name in ("data", "logs", "redis", "components"):
            _make_private(self._dir(name))
        for log in self._dir("logs").glob("*.log"):
            log.unlink()

    def _dir(self, name: str) -> Path:
        return self.spec.state_dir / name

    def _log(self, name: str) -> Path:
        return self.spec.state_dir / "logs" / f"{name}.log"

    def _take(self, fixed: int) -> int:
        return self._ports.take() if self.spec.free_ports else fixed

    def _app_ports(self, app: App) -> AppPorts:
        fixed = (app.app_port, app.dapr_http_port, app.dapr_grpc_port, app.dapr_internal_grpc_port)
        return AppPorts(*(self._take(port) for port in fixed))

    def _control_plane(self) -> list[Child]:
        if not self.spec.workflows or self.runtime.placement is None or self.runtime.scheduler is None:
            return []
        first = control_plane.PLACEMENT_PORT
        grpc, healthz, raft = (self._take(port) for port in (first, first + 10, first + 20))
        placement = control_plane.placement(
            self.runtime, grpc, healthz, raft, self.spec.state_dir, self._log("placement")
        )
        first = control_plane.SCHEDULER_PORT
        grpc, healthz, client, peer = (self._take(port) for port in (first, first + 10, first + 20, first + 30))
        scheduler = control_plane.scheduler(
            self.runtime, grpc, healthz, client, peer, self.spec.state_dir, self._log("scheduler")
        )
        return [placement, scheduler]

    def _surroundings(
        self,
        definition: MultiApp,
        ports: Mapping[str, AppPorts],
        redis_host: str,
        infrastructure: Sequence[Child],
        credentials: Credentials,
    ) -> Surroundings:
        common = definition.common
        sources = [common.resources_path] if common.resources_path else common.resources_paths
        suffix = f"-{self.spec.instance}" if self.spec.instance else ""
        app_ids = {app.app_id: app.app_id + suffix for app in definition.apps}
        project = self.spec.project
        rendered = resources.render([project / source for source in sources], self._dir("components"), app_ids)
        hosts = {child.name: f"127.0.0.1:{child.ports['grpc']}" for child in infrastructure if "grpc" in child.ports}

        def url(app_id: str) -> str:
            return f"http://127.0.0.1:{ports[app_id].app}" if app_id in ports else ""

        return Surroundings(
            project=project,
            state_dir=self.spec.state_dir,
            runtime=self.runtime,
            resources=rendered,
            config=project / common.config_file_path if common.config_file_path else None,
            redis_host=redis_host,
            otlp_url=self.spec.otlp_url or url("console"),
            api_url=url("supervisor"),
            console_url=url("console"),
            instance=self.spec.instance,
            placement_host=hosts.get("placement"),
            scheduler_host=hosts.get("scheduler"),
            credentials=credentials,
            is_demo=self.spec.is_demo,
            environment=self.spec.environment,
        )

    def _replicas(
        self, app: App, first: AppPorts, definition: MultiApp, around: Surroundings
    ) -> list[tuple[Child, Child]]:
        pairs = [apps.processes(app, app.app_id, first, definition.common, around)]
        for n in range(2, self.spec.replicas.get(app.app_id, 1) + 1):
            ports = AppPorts(*(self._ports.take() for _ in range(4)))
            pairs.append(apps.processes(app, f"{app.app_id}-{n}", ports, definition.common, around))
        return pairs

    # -- starting

    def _launch(
        self,
        infrastructure: Sequence[Child],
        pairs: Sequence[tuple[Child, Child]],
        redis_port: int | None,
        redis_password: str,
    ) -> None:
        deadline = time.monotonic() + self.spec.ready_s
        # Apps first: they import for seconds while Redis comes up, and their sidecars wait for them anyway.
        for child in [*infrastructure, *(app for app, _ in pairs)]:
            self._spawn(child)
        if redis_port is not None:
            self._wait_redis(self.children["redis"], redis_port, redis_password, deadline)
        for _, sidecar in pairs:
            self._spawn(sidecar)
        with ThreadPoolExecutor(max_workers=max(1, len(pairs))) as pool:
            waiting = [pool.submit(self._wait_ready, app, deadline) for app, _ in pairs]
            try:
                for future in waiting:
                    future.result()
            except BaseException:
                self._stopping.set()
                raise

    def _spawn(self, child: Child) -> None:
        self.children[child.name] = child
        if child.kind != "sidecar":
            self._watcher.starting(child.name)
        try:
            child.start(self._spawner)
        except OSError as error:
            raise OperatorError(f"{child.name} could not be started: {child.command[0]}: {error.strerror}.") from None

    def _wait_redis(self, child: Child, port: int, password: str, deadline: float) -> None:
        began = time.monotonic()
        while not redis.answers(port, password):
            self._check_alive(child, deadline)
            time.sleep(0.02)
        self._watcher.ready(child.name, time.monotonic() - began)

    def _wait_ready(self, child: Child, deadline: float) -> None:
        began = time.monotonic()
        pair = [child, *(other for name, other in self.children.items() if name == f"{child.name}.dapr")]
        while reason := why_not_ready(child):
            for one in pair:
                self._check_alive(one, deadline, reason)
            time.sleep(0.1)
        self._watcher.ready(child.name, time.monotonic() - began)

    def _wait_agents(self, chosen: Sequence[App], run: RunFile) -> None:
        """Until the supervisor routes to every agent that was started: the first question must find them all."""
        expected = {agent_id(folder) for app in chosen if (folder := self._agent_folder(app)) is not None}
        supervisor = self.children.get("supervisor")
        if supervisor is None or not expected or not run.keys:
            return
        deadline = time.monotonic() + AGENTS_KNOWN_S
        while missing := expected - agents_known(run.api_url, run.keys[0].key):
            names = ", ".join(sorted(missing))
            self._check_alive(supervisor, deadline, f"it does not know these agents yet: {names}")
            time.sleep(0.1)

    def _agent_folder(self, app: App) -> Path | None:
        folder = self.spec.project / app.app_dir_path / app.command[-1]
        return folder if (folder / "agent.yaml").is_file() else None

    def _check_alive(self, child: Child, deadline: float, reason: str = "it does not answer") -> None:
        if self._stopping.is_set():
            raise OperatorError("Stopped while starting.")
        if child.exit_code is not None:
            tail = child.tail()
            if "ddress already in use" in tail:
                raise OperatorError(
                    f"A port of {child.name} was taken while it started: try again, or use --free-ports."
                )
            if "o space left on device" in tail:
                raise OperatorError(f"The disk is full, so {child.name} stopped: free some space and try again.")
            raise OperatorError(
                f"{child.name} stopped while starting (exit code {child.exit_code}). Its log ends:\n{tail}"
            )
        if time.monotonic() > deadline:
            raise OperatorError(
                f"{child.name} was not ready within {self.spec.ready_s:.0f} s ({reason}). "
                f"Its log ({child.log}) ends:\n{child.tail()}"
            )

    # -- run.json

    def _save_pids(self) -> None:
        if self._run is not None:
            self._run.processes = self._processes()
            self._run.save(self.run_path)

    def _processes(self) -> list[Process]:
        return [
            Process.model_validate({"name": c.name, "kind": c.kind, "app_id": c.app_id, "pid": c.pid, "ports": c.ports})
            for c in self.children.values()
        ]

    def _setting(self, around: Surroundings, name: str, default: str) -> str:
        """As the apps get it."""
        return around.environment.get(name) or os.environ.get(name) or default

    def _run_file(self, around: Surroundings, ports: Mapping[str, AppPorts]) -> RunFile:
        return RunFile(
            api_url=around.api_url,
            console_url=around.console_url,
            gateway_url=f"http://127.0.0.1:{ports['gateway'].app}" if "gateway" in ports else "",
            otlp_url=around.otlp_url,
            keys=public_keys(self.spec.project / self._setting(around, "SWITCHBOARD_KEYS_FILE", KEYS_FILE)),
            processes=self._processes(),
            instance=self.spec.instance,
            gateway_app_id=around.app_id(apps.GATEWAY),
            redis_host=around.redis_host,
            placement_host=around.placement_host,
            scheduler_host=around.scheduler_host,
            is_demo=around.is_demo,
            redis_password=around.credentials.redis_password,
            otlp_token=around.credentials.otlp_token,
            gateway_key=around.credentials.gateway_key,
            state_dir=str(self.spec.state_dir),
            pid=os.getpid(),
        )


def public_keys(path: Path) -> list[Key]:
    """Those of the supervisor's keys file that anybody may know; none when there is no such file. Raises `OperatorError`."""
    if not path.is_file():
        return []
    try:
        entries = yaml.safe_load(path.read_text())["keys"]
        return [Key.model_validate(each) for each in entries if demo.is_public(str(each.get("key", "")))]
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise OperatorError(f"{path} is not a list of keys: {str(error).splitlines()[0]}.") from None


def _make_private(folder: Path) -> None:
    """Makes a folder that its owner alone reads; one that was there from before becomes so."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(PRIVATE_FOLDER)


def _check_ports(children: Sequence[Child]) -> None:
    for child in children:
        for port in child.ports.values():
            if is_taken(port):
                by = holder(port)
                raise OperatorError(
                    f"Port {port}, which {child.name} needs, is taken by {by or 'another process'}: "
                    "stop that, or run `switchboard up --free-ports`."
                )
