"""The values of a field of the workers' Deployment over time, as the API server reports them."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.kubernetes.cluster import Cluster
from tests.support.process.child import Child


@contextmanager
def watched(cluster: Cluster, namespace: str, field: str) -> Iterator[Callable[[], list[int]]]:
    """Follow a number, such as spec.replicas, until the block is left.

    The yielded function returns all values so far without repeats, also after the block.
    """
    log = Path(tempfile.mkdtemp(dir=cluster.folder)) / "values"
    child = Child(
        cluster.program,
        log,
        *(f"--kubeconfig={cluster.kubeconfig}", f"--namespace={namespace}"),
        *("get", "deployment/taskqueue-worker", "--watch", f"--output=jsonpath={{.{field}}}{{'\\n'}}"),
    )

    def seen() -> list[int]:
        return [value for value, _ in itertools.groupby(map(int, log.read_text().split()))]

    try:
        child.until("it follows", lambda: bool(seen()))
        yield seen
    finally:
        child.kill()
