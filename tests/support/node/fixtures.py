"""One node for the session, one namespace for every test; a folder's conftest.py takes these fixtures by name.

tools/e2e.py runs them, in namespaces of the machine's own.
"""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.chart.helm import CHART, Helm
from tests.support.kubernetes.tools import cluster_tools
from tests.support.node.cluster import Node
from tests.support.node.images import images
from tests.support.node.release import VERSION, Installed

#: What the chart names, of which a node without a registry has only its own.
DEVELOPMENT_REDIS = "valkey/valkey:9.1"
OURS = ("taskqueue-operator", "taskqueue-worker", "taskqueue-api")
_namespaces = itertools.count()


@pytest.fixture(scope="session")
def work() -> Path:
    """The folder of all that the run makes."""
    given = os.environ.get("TASKQUEUE_E2E")
    if not given:
        pytest.skip("a node is started by tools/e2e.py alone, apart from the machine's own network")
    return Path(given)


@pytest.fixture(scope="session")
def archives(work: Path) -> dict[str, Path]:
    return images()


@pytest.fixture(scope="session")
def node(work: Path, archives: dict[str, Path]) -> Iterator[Node]:
    """A node with DNS, and with the images of the project."""
    with Node(cluster_tools(), cluster_tools("node"), archives, work / "node", cgroup=work.name) as started:
        for name in (*OURS, "valkey"):
            started.load(name)
        for name in OURS:
            names = [
                f"docker.io/library/{name}:next",
                *(f"localhost/{name}:{tag}" for tag in (VERSION, "next")),
            ]
            started.tag(f"docker.io/library/{name}:{VERSION}", *names)
        started.tag("docker.io/library/valkey:local", f"docker.io/{DEVELOPMENT_REDIS}")
        yield started


@pytest.fixture(scope="session")
def helm(node: Node, work: Path) -> Helm:
    return Helm(cluster_tools("helm") / "helm", work / "helm", node.kubeconfig)


@pytest.fixture(scope="session")
def package(helm: Helm, work: Path) -> Path:
    """The chart as it is shipped, in one file."""
    helm.run("package", str(CHART), "--destination", str(work))
    (made,) = work.glob("taskqueue-*.tgz")
    return made


def made(node: Node) -> Iterator[str]:
    """A namespace that admits restricted pods alone; removed afterwards."""
    name = f"test-{next(_namespaces)}"
    node.kubectl("create", "namespace", name)
    try:
        node.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        node.kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=30s")
        yield name
    finally:
        node.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


namespace = pytest.fixture(made, name="namespace")
other_namespace = pytest.fixture(made, name="other_namespace")


@asynccontextmanager
async def prepared(
    node: Node, helm: Helm, package: Path, namespace: str, cpu: str
) -> AsyncIterator[Installed]:
    """A namespace with the API and the handlers in it, for a release that the test installs; removed afterwards."""
    found = Installed(node, helm, package, namespace)
    await found.prepare(cpu)
    try:
        yield found
    finally:
        await found.close()


@pytest.fixture
async def installed(node: Node, helm: Helm, package: Path, namespace: str) -> AsyncIterator[Installed]:
    async with prepared(node, helm, package, namespace, cpu="1") as found:
        yield found


@pytest.fixture
async def second(node: Node, helm: Helm, package: Path, other_namespace: str) -> AsyncIterator[Installed]:
    """One more, beside it; its API has less of the two cores, and so is no judge of the limit."""
    async with prepared(node, helm, package, other_namespace, cpu="200m") as found:
        yield found
