"""Objects that an API server judges and does not keep, hundreds a second: through `kubectl proxy`, as kubectl is too slow.

What is sent is what `kubectl apply` sends, with the same `fieldValidation=Strict`. A server reads YAML by the same library
as kubectl does.
"""

import json
import re
import subprocess
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from types import TracebackType
from typing import Self

from child import Child
from cluster import Cluster

from taskqueue.models.manifest import API_VERSION

JSON, YAML = "application/json", "application/yaml"
PLURALS = {"TaskType": "tasktypes", "UserSubscription": "usersubscriptions"}
_CREATED = 201
_LIMIT_S = 30.0
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Judged:
    """What the API server said.   message: why it refuses, or empty."""

    taken: bool
    message: str = ""


class DryRuns:
    """A proxy to the API server of a cluster, in its default namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._local = threading.local()

    def __enter__(self) -> Self:
        log = self._cluster.folder / "proxy.log"
        log.write_bytes(b"")
        env = {"KUBECONFIG": str(self._cluster.kubeconfig), "KUBERC": "off"}
        self._proxy = Child(self._cluster.program, log, "proxy", "--port=0", env=env)
        self._proxy.until("it listens", lambda: "Starting to serve on" in log.read_text())
        (self._port,) = re.findall(r"127\.0\.0\.1:(\d+)", log.read_text())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._proxy.process.terminate()
        try:
            self._proxy.process.wait(_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._proxy.kill()

    def judge(self, kind: str, body: bytes, content_type: str = JSON) -> Judged:
        """Ask about one object."""
        try:
            connection: HTTPConnection = self._local.connection
        except AttributeError:
            connection = self._local.connection = HTTPConnection(
                "127.0.0.1", int(self._port), timeout=_LIMIT_S
            )
        path = f"/apis/{API_VERSION}/namespaces/default/{PLURALS[kind]}?dryRun=All&fieldValidation=Strict"
        connection.request("POST", path, body, {"Content-Type": content_type})
        answer = connection.getresponse()
        said = answer.read()
        return Judged(True) if answer.status == _CREATED else Judged(False, json.loads(said)["message"])

    def judge_all(self, objects: Iterable[tuple[str, bytes]], content_type: str = JSON) -> list[Judged]:
        """Ask about many, a few at a time."""
        with ThreadPoolExecutor(_THREADS) as threads:
            return list(threads.map(lambda one: self.judge(*one, content_type), objects))
