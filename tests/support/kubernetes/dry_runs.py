"""Objects that an API server judges and does not keep: through `kubectl proxy`, for kubectl itself takes 100 ms each.

The request is that of `kubectl apply`, with the same `fieldValidation=Strict`. Servers read YAML by kubectl's library.
"""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Self

from taskqueue.models.manifest import API_VERSION
from tests.support.kubernetes.cluster import Cluster
from tests.support.process.child import Child

JSON, YAML = "application/json", "application/yaml"
PLURALS = {"TaskType": "tasktypes", "UserSubscription": "usersubscriptions", "RateLimit": "ratelimits"}
_CREATED = 201
_LIMIT_S = 30.0
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer of the API server.   kept: the object as stored, if accepted.   message: the refusal otherwise."""

    kept: Mapping[str, Any] | None
    message: str = ""

    @property
    def taken(self) -> bool:
        return self.kept is not None


class DryRuns:
    """A proxy to the API server of a cluster, in its default namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def __enter__(self) -> Self:
        log = self._cluster.folder / "proxy.log"
        log.write_bytes(b"")
        env = {"KUBECONFIG": str(self._cluster.kubeconfig), "KUBERC": "off"}
        self._proxy = Child(self._cluster.program, log, "proxy", "--port=0", env=env)
        self._proxy.until("it listens", lambda: "Starting to serve on" in log.read_text())
        (port,) = re.findall(r"127\.0\.0\.1:(\d+)", log.read_text())
        self._port = int(port)
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
        path = f"/apis/{API_VERSION}/namespaces/default/{PLURALS[kind]}?dryRun=All&fieldValidation=Strict"
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=_LIMIT_S)) as connection:
            connection.request("POST", path, body, {"Content-Type": content_type})
            answer = connection.getresponse()
            said = json.loads(answer.read())
        return Judged(said) if answer.status == _CREATED else Judged(None, said["message"])

    def judge_all(self, objects: Iterable[tuple[str, bytes, str]]) -> list[Judged]:
        """Ask about many (kind, body, content type), a few at a time."""
        with ThreadPoolExecutor(_THREADS) as threads:
            return list(threads.map(lambda one: self.judge(*one), objects))
