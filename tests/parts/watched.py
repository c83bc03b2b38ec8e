"""Every number of replicas that anybody ever asked for, in order, as the API server tells it."""

import asyncio
from typing import Self

from installed import Installed


class Watched:
    """replicas: of the workers' Deployment, complete when the block is left."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed
        self.replicas: list[int] = []

    async def __aenter__(self) -> Self:
        what = ("get", "deployment/taskqueue-worker", "--watch", "--output=jsonpath={.spec.replicas}{'\\n'}")
        self._process = await asyncio.create_subprocess_exec(
            self.installed.cluster.program,
            "--kubeconfig",
            str(self.installed.cluster.kubeconfig),
            "--namespace",
            self.installed.namespace,
            *what,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout
        self.replicas.append(int(await self._process.stdout.readline()))
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._process.terminate()
        told, _ = await self._process.communicate()
        self.replicas += map(int, told.split())
