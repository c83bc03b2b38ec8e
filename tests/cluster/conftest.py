"""One cluster for the session, one namespace for every test.

KUBECONFIG_TEST names a cluster to use; else a control plane is started, from programs that are built first if the cache
has none. TASKQUEUE_TEST_KUBERNETES says by which module of tools/cluster. Where there is no Go to build them, these
tests are skipped and say so.
"""

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cluster import Cluster
from cluster_tools import NoGoError, cluster_tools
from control_plane import ControlPlane
from shop import Shop, install_definitions
from site_under_test import site

from taskqueue.store.catalog import set_rate

_namespaces = itertools.count()


@pytest.fixture(scope="session")
def tools(request: pytest.FixtureRequest) -> Path:
    capturing = request.config.pluginmanager.getplugin("capturemanager")
    try:
        with capturing.global_and_fixture_disabled():  # minutes of silence would look like a test that hangs
            return cluster_tools(os.environ.get("TASKQUEUE_TEST_KUBERNETES", "kubernetes"))
    except NoGoError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    given = os.environ.get("KUBECONFIG_TEST")
    if given:
        installed = shutil.which("kubectl")
        kubectl = Path(installed) if installed else request.getfixturevalue("tools") / "kubectl"
        yield Cluster(kubectl, Path(given).resolve(), folder)
        return
    with ControlPlane(request.getfixturevalue("tools"), folder) as started:
        yield started


@pytest.fixture
def control_plane(cluster: Cluster) -> ControlPlane:
    """The cluster, for a test that stops parts of it."""
    if not isinstance(cluster, ControlPlane):
        pytest.skip("KUBECONFIG_TEST names a cluster whose API server is not ours to stop")
    return cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that the controllers have given its default service account; removed afterwards."""
    name = f"taskqueue-test-{os.getpid()}-{next(_namespaces)}"
    cluster.kubectl("create", "namespace", name)
    try:
        account = ("serviceaccount/default", "--namespace", name)
        cluster.kubectl("wait", "--for=create", *account, "--timeout=30s")
        yield name
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def defined(cluster: Cluster) -> Cluster:
    """The cluster, once it knows both kinds."""
    install_definitions(cluster)
    return cluster


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
