"""Two replicas of the gateway over one Redis and three simulated providers, each a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_processes import GatewayProcess, RedisProcess, SimulatedProvider, running, until
from gateway_site import Site, all_closed, policy_of


@pytest.fixture(scope="package")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    main, other, small = (SimulatedProvider(folder, name) for name in ("main", "other", "small"))
    redis = RedisProcess(folder)
    policy = policy_of(main, other, small)
    replicas = [
        GatewayProcess(folder, name, policy, SWITCHBOARD_REDIS_HOST=redis.host) for name in ("gateway", "replica")
    ]
    with running(main, other, small, redis, *replicas):
        yield Site(main, other, small, redis, replicas[0], replicas[1], policy)


@pytest.fixture
def site(processes: Site) -> Site:
    """Everything works again, nothing is remembered."""
    for provider in (processes.main, processes.other, processes.small):
        provider.fail()
        provider.follow()
    processes.follow()
    processes.redis.forget()
    for replica in (processes.gateway, processes.replica):
        replica.post_admin("providers/reset")
    for replica in (processes.gateway, processes.replica):
        until(lambda replica=replica: all_closed(replica))
    return processes
