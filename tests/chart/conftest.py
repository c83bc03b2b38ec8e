"""helm, and a cluster for the answers of an API server. Without helm these tests are skipped with the reason."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helm_program import NoHelmError, find_helm

from tests.support.chart.foreign_definitions import NoModulesError, foreign_definitions
from tests.support.chart.helm import Helm
from tests.support.kubernetes import definitions
from tests.support.kubernetes.cluster import Cluster
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.fixtures import cluster, namespace, tools
from tests.support.kubernetes.shop import install_definitions

__all__ = ["cluster", "namespace", "tools"]

_namespaces = itertools.count()


@pytest.fixture(scope="session")
def helm_program() -> Path:
    try:
        return find_helm()
    except NoHelmError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def helm(helm_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """helm, for tests without a cluster."""
    return Helm(helm_program, tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def installer(helm_program: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """helm, as the administrator of the cluster."""
    return Helm(helm_program, tmp_path_factory.mktemp("installer"), cluster.kubeconfig)


@pytest.fixture(scope="session")
def monitored(cluster: Cluster) -> Cluster:
    """The cluster, once it knows the kinds of KEDA and of the Prometheus operator."""
    try:
        files = [f"--filename={path}" for path in foreign_definitions()]
    except NoModulesError as missing:
        pytest.skip(str(missing))
    cluster.kubectl("apply", "--server-side", *files)
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", *files)
    return cluster


@pytest.fixture
def restricted(cluster: Cluster) -> Iterator[str]:
    """A namespace that admits only pods of the restricted profile."""
    name = f"chart-{os.getpid()}-{next(_namespaces)}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    try:
        account = ("serviceaccount/default", "--namespace", name)
        cluster.kubectl("wait", "--for=create", *account, "--timeout=30s")
        yield name
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def own(cluster: Cluster) -> ControlPlane:
    """The cluster, for a test that installs and removes cluster-wide objects."""
    if not isinstance(cluster, ControlPlane):
        pytest.skip("KUBECONFIG_TEST names a cluster whose definitions are not ours to remove")
    return cluster


@pytest.fixture
def defined(own: ControlPlane) -> ControlPlane:
    """The cluster with all kinds, as `kubectl apply -f crds/` makes them."""
    install_definitions(own)
    return own


@pytest.fixture
def undefined(own: ControlPlane) -> Iterator[ControlPlane]:
    """The cluster without them, before and after."""
    definitions.remove(own)
    yield own
    definitions.remove(own)
