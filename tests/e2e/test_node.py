"""The node itself: pods run, find each other by name and address, and answer kubectl."""

import json

from node import Node


def test_the_node_is_ready_and_runs_containerd(node: Node) -> None:
    (found,) = json.loads(node.kubectl("get", "nodes", "-o", "json"))["items"]
    conditions = {one["type"]: one["status"] for one in found["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    assert found["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")
