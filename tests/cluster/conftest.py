"""A cluster that knows all kinds, and a shop in a namespace of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from taskqueue.store.limits import set_rate
from tests.support.kubernetes.cluster import Cluster
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.dry_runs import DryRuns
from tests.support.kubernetes.fixtures import cluster, namespace, tools
from tests.support.kubernetes.shop import Shop, install_definitions
from tests.support.site.site import site

__all__ = ["cluster", "namespace", "tools"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of an operator, which take longest: the short ones then fill what is left of each core."""
    items.sort(key=lambda item: not any("shop" in name for name in getattr(item, "fixturenames", ())))


@pytest.fixture
def control_plane(cluster: Cluster) -> ControlPlane:
    """The cluster, for a test that stops parts of it."""
    if not isinstance(cluster, ControlPlane):
        pytest.skip("KUBECONFIG_TEST names a cluster whose API server is not ours to stop")
    return cluster


@pytest.fixture(scope="session")
def defined(cluster: Cluster) -> Cluster:
    """The cluster, once it knows all kinds."""
    install_definitions(cluster)
    return cluster


@pytest.fixture(scope="session")
def dry_runs(defined: Cluster) -> Iterator[DryRuns]:
    with DryRuns(defined) as started:
        yield started


@pytest.fixture
async def shop(
    defined: Cluster, namespace: str, redis_url: str, release: str, tmp_path: Path
) -> AsyncIterator[Shop]:
    async with site(redis_url, release, tmp_path) as world:
        await set_rate(world.store, 500)
        made = await asyncio.to_thread(Shop, defined, namespace, world)
        yield made
        for log in world.logs.values():
            assert "orbidden" not in log.read_text(), "the shipped role must be enough"
