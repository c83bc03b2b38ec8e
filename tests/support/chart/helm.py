"""The real helm, and what it makes of the chart."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[3] / "helm" / "taskqueue"
CASES = [*sorted((CHART / "ci").glob("*-values.yaml")), CHART.parents[1] / "deploy" / "kind" / "values.yaml"]
LIMIT_S = 180.0


class HelmError(Exception):
    """helm failed; the message is what it said."""


class Helm:
    """folder: where helm keeps what it remembers. kubeconfig: of the cluster, for install and upgrade."""

    def __init__(self, program: Path, folder: Path, kubeconfig: Path | None = None) -> None:
        self.program = program
        self.environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig or os.devnull),
            **{f"HELM_{kind}_HOME": str(folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")},
        }

    def attempt(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run helm and return how it ended, for what may be refused."""
        command = [str(self.program), *args]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LIMIT_S, env=self.environment
        )

    def run(self, *args: str) -> str:
        """Run helm and return what it printed. Raises HelmError."""
        done = self.attempt(*args)
        if done.returncode:
            raise HelmError(f"helm {' '.join(args)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def refused(self, *args: str) -> str:
        """Run helm, which must fail, and return what it said."""
        done = self.attempt(*args)
        assert done.returncode, f"helm {' '.join(args)} did it"
        return done.stderr

    def template(self, values: Path, *args: str, name: str = "taskqueue", namespace: str = "shop") -> str:
        return self.run(
            "template", name, str(CHART), "--namespace", namespace, "--values", str(values), *args
        )

    def objects(self, values: Path, *args: str, **place: str) -> list[dict[str, Any]]:
        """Return what the chart renders, each object parsed."""
        return [one for one in yaml.safe_load_all(self.template(values, *args, **place)) if one]
