"""Run the documentation's commands in a shell at the top of the repository."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from tests.support.chart.helm import Helm
from tests.support.kubernetes.cluster import Cluster

ROOT = Path(__file__).parents[3]
LIMIT_S = 120.0


class Person:
    """Has kubectl, helm and kubectl-taskqueue on PATH. kubeconfig: with the context to use.

    before: folders that come first on PATH.
    """

    def __init__(self, cluster: Cluster, helm: Helm, kubeconfig: Path, *before: Path) -> None:
        programs = (*before, helm.program.parent, cluster.program.parent, Path(sys.executable).parent)
        self._environment = {
            **helm.environment,
            "KUBECONFIG": str(kubeconfig),
            "KUBECACHEDIR": str(cluster.folder / "kubectl-cache"),
            "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        }

    async def types(self, script: str) -> str:
        """Run a script, which must succeed, and return its output."""
        done = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        assert done.returncode == 0, f"{script}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout
