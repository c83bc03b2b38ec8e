"""Every value that a field of the workers' Deployment ever had, in order, as the API server tells it."""

import asyncio
from typing import Self

from installed import Installed


class Watched:
    """field: a number of it, as in spec.replicas. values: complete when the block is left."""

    def __init__(self, installed: Installed, field: str) -> None:
        self.values: list[int] = []
        cluster = installed.cluster
        self._command = (
            *(
                str(cluster.program),
                f"--kubeconfig={cluster.kubeconfig}",
                f"--namespace={installed.namespace}",
            ),
            *("get", "deployment/taskqueue-worker", "--watch", f"--output=jsonpath={{.{field}}}{{'\\n'}}"),
        )

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.PIPE)
        assert self._process.stdout
        self.values.append(int(await self._process.stdout.readline()))
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._process.terminate()
        told, _ = await self._process.communicate()
        self.values += map(int, told.split())
