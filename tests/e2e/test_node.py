"""The node itself: pods run, find each other by name and address, and answer kubectl."""

import json

from tests.support.node.cluster import Node
from tests.support.node.pods import deployment, run
from tests.support.site.site import until

IMAGE = "taskqueue-worker:0.1.0"  # any image with a Python
SERVES = ["python", "-u", "-m", "http.server", "8000", "--directory", "/srv"]


def web(node: Node, namespace: str) -> str:
    """Run a web server with a Service of its name, and return the address of that."""
    run(
        node,
        namespace,
        deployment("web", IMAGE, command=SERVES, readinessProbe={"tcpSocket": {"port": 8000}}),
    )
    node.kubectl("expose", "deployment/web", "-n", namespace, "--port=80", "--target-port=8000")
    return node.kubectl("get", "service/web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")


def python(node: Node, namespace: str, code: str) -> str:
    """Run a line of Python in the pod of the web server."""
    return node.kubectl(*inside(namespace), code).strip()


def inside(namespace: str) -> tuple[str, ...]:
    return ("exec", "deployment/web", "-n", namespace, "--", "python", "-c")


def test_the_node_is_ready_and_runs_containerd(node: Node) -> None:
    (found,) = json.loads(node.kubectl("get", "nodes", "-o", "json"))["items"]
    conditions = {one["type"]: one["status"] for one in found["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    assert found["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")


def test_restricted_pods_run_and_answer_logs_and_exec(node: Node, namespace: str) -> None:
    web(node, namespace)
    assert "Serving HTTP on" in node.kubectl("logs", "deployment/web", "-n", namespace)
    assert python(node, namespace, "import os; print(os.getuid(), os.getgid())") == "10001 10001"
    refused = node.refused(
        "exec", "deployment/web", "-n", namespace, "--", "python", "-c", "open('/srv/x', 'w')"
    )
    assert "Read-only file system: '/srv/x'" in refused


def test_an_unrestricted_pod_is_not_admitted(node: Node, namespace: str) -> None:
    refused = node.refused("run", "root", "-n", namespace, f"--image={IMAGE}")
    assert 'violates PodSecurity "restricted:latest"' in refused


async def test_a_service_resolves_and_answers_inside_pods(node: Node, namespace: str) -> None:
    address = web(node, namespace)
    resolves = "import socket; print(socket.gethostbyname('{}'))"
    assert python(node, namespace, resolves.format(f"web.{namespace}.svc.cluster.local")) == address
    assert python(node, namespace, resolves.format("web")) == address, "by the search list"
    asks = "import urllib.request as u; print(u.urlopen('http://{}/', timeout=5).status)"

    async def forwarded() -> bool:  # the rules of a new Service take effect a moment after it has its address
        return node.attempt(*inside(namespace), asks.format(address)).returncode == 0

    await until("the Service is forwarded", forwarded)
    assert python(node, namespace, asks.format("web")) == "200", "even to the pod that asks"


def test_a_pod_reaches_the_api_server_and_nothing_outside(node: Node, namespace: str) -> None:
    web(node, namespace)
    asks = (
        "import ssl, urllib.request as u; "
        "trust = ssl.create_default_context(cafile='/var/run/secrets/kubernetes.io/serviceaccount/ca.crt'); "
        "print(u.urlopen('https://kubernetes.default.svc/version', context=trust, timeout=5).status)"
    )
    assert python(node, namespace, asks) == "200"
    outside = (
        "import socket; print(socket.socket().connect_ex(('192.0.2.1', 80)))"  # an address of documentation
    )
    assert python(node, namespace, outside) != "0"
