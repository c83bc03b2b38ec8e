"""The definitions, and their removal."""

from tests.support.kubernetes.cluster import Cluster

NAMES = tuple(f"crd/{plural}.taskqueue.dev" for plural in ("tasktypes", "usersubscriptions", "ratelimits"))
#: An API server that has just taken a change of a definition may need a minute until it can remove its objects.
WAITS = 4
WAIT_S = 45


def remove(cluster: Cluster) -> None:
    cluster.kubectl("delete", "--ignore-not-found", "--wait=false", *NAMES)
    until_gone(cluster)


def until_gone(cluster: Cluster) -> None:
    wait = ("wait", "--for=delete", f"--timeout={WAIT_S}s", *NAMES)
    assert any(cluster.attempt(*wait).returncode == 0 for _ in range(WAITS)), (
        "the definitions are still there"
    )
