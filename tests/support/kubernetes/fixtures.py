"""One cluster for the session, one namespace for every test; a folder's conftest.py takes these fixtures by name.

KUBECONFIG_TEST names a cluster to use; else a control plane is started, from programs that are built first if the cache
has none. TASKQUEUE_TEST_KUBERNETES says by which module of tools/cluster. Where there is no Go to build them, these
tests are skipped and say so.
"""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kubernetes.cluster import Cluster
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.tools import NoGoError, cluster_tools

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
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that the controllers have given its default service account; removed afterwards."""
    name = f"taskqueue-test-{os.getpid()}-{next(_namespaces)}"
    cluster.kubectl("create", "namespace", name)
    try:
        account = ("serviceaccount/default", "--namespace", name)
        cluster.kubectl("wait", "--for=create", *account, "--timeout=30s")
        yield name
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")
