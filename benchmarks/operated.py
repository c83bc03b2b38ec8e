"""A namespace full of objects on a real API server, and the operator that works on it, for the benchmark of both."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from taskqueue_operator.connection import connect
from tests.support.kubernetes.bulk_objects import Objects
from tests.support.kubernetes.cluster import Cluster
from tests.support.kubernetes.shop import ROLE, install_definitions

NAMESPACE = "shop"
TYPES = 100


def task_type(name: str) -> dict[str, Any]:
    return {"schedule": {"interval": "1h"}, "handler": {"function": name.replace("-", "_")}}


def subscription(number: int, tasks: int) -> dict[str, Any]:
    """Make the spec of a user with every type, from an offset of its own on, and one undeclared type."""
    known = [f"type-{(number + step) % TYPES:03}" for step in range(tasks - 1)]
    wanted = [{"type": name, "params": {"region": "eu"}} for name in (*known, "not-yet")]
    return {"tasks": wanted}


@asynccontextmanager
async def objects(cluster: Cluster) -> AsyncIterator[Objects]:
    """Install the definitions and the operator's role in a namespace of its own, and open it."""
    await asyncio.to_thread(install_definitions, cluster)
    await asyncio.to_thread(cluster.kubectl, "create", "namespace", NAMESPACE)
    await asyncio.to_thread(cluster.kubectl, "apply", "-n", NAMESPACE, "-f", str(ROLE))
    async with connect(cluster.kubeconfig) as connection:
        yield Objects(connection, NAMESPACE)


class Operator:
    """The process, its log, and its time and memory according to Linux."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    def events(self, event: str) -> list[dict[str, Any]]:
        """Lines of the log that say this."""
        lines = (json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{"))
        return [line for line in lines if line["event"] == event]

    def cpu_s(self) -> float:
        assert self._process.returncode is None, self._log.read_text()[-2000:]
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, field: str = "VmRSS") -> float:
        """field: VmRSS, now; VmHWM, at its highest."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(rf"{field}:\s+(\d+)", status)
        assert found, status
        return int(found[1]) / 1024


@asynccontextmanager
async def operator(cluster: Cluster, redis_url: str, folder: Path) -> AsyncIterator[Operator]:
    """Run the operator with the rights it is shipped with; killed at the end."""
    kubeconfig = await asyncio.to_thread(cluster.kubeconfig_for, "taskqueue-operator", NAMESPACE)
    path = folder / "operator.log"
    options = ("--namespace", NAMESPACE, "--kubeconfig", str(kubeconfig), "--redis-url", redis_url)
    with path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "taskqueue_operator", "--health-port", "0", "--rate", "10000", *options),
            stdout=log,
            stderr=log,
        )
    try:
        yield Operator(process, path)
    finally:
        process.kill()
        await process.wait()
