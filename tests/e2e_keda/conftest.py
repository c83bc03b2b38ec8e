"""KEDA on a node with the project's images. `make e2e-keda` runs these tests, in namespaces of the machine's own."""

from collections.abc import Iterator

import pytest

from tests.support.kubernetes.tools import cluster_tools
from tests.support.node.cluster import Node
from tests.support.node.fixtures import archives, helm, installed, namespace, node, package, work
from tests.support.node.keda import Keda
from tests.support.node.release import Installed
from tests.support.node.steady_load import scaled_by

__all__ = ["archives", "helm", "installed", "namespace", "node", "package", "work"]


@pytest.fixture(scope="session")
def keda(node: Node) -> Iterator[Keda]:
    with Keda(cluster_tools("keda"), node) as started:
        yield started


@pytest.fixture
def scaled(keda: Keda, installed: Installed) -> Installed:
    """A release in mode keda, from no worker at all; not yet installed."""
    scaled_by(installed, "keda")
    return installed
