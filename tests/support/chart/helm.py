"""The real helm, and its rendering of the chart."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[3] / "helm" / "taskqueue"
CASES = [*sorted((CHART / "ci").glob("*-values.yaml")), CHART.parents[1] / "deploy" / "kind" / "values.yaml"]
LIMIT_S = 180.0


class HelmError(Exception):
    """helm failed; the message is its output."""


class Helm:
    """folder: of helm's cache. kubeconfig: of the cluster, for install and upgrade."""

    def __init__(self, program: Path, folder: Path, kubeconfig: Path | None = None) -> None:
        self.program = program
        self.environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig or os.devnull),
            **{f"HELM_{kind}_HOME": str(folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")},
        }

    def attempt(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run helm and return its end, also a refusal."""
        command = [str(self.program), *args]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LIMIT_S, env=self.environment
        )

    def run(self, *args: str) -> str:
        """Run helm and return its output. Raises HelmError."""
        done = self.attempt(*args)
        if done.returncode:
            raise HelmError(f"helm {' '.join(args)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def refused(self, *args: str) -> str:
        """Run helm, which must fail, and return its message."""
        done = self.attempt(*args)
        assert done.returncode, f"helm {' '.join(args)} did it"
        return done.stderr

    def template(self, values: Path, *args: str, name: str = "taskqueue", namespace: str = "shop") -> str:
        return self.run(
            "template", name, str(CHART), "--namespace", namespace, "--values", str(values), *args
        )

    def objects(self, values: Path, *args: str, **place: str) -> list[dict[str, Any]]:
        """Return the rendered objects of the chart, parsed."""
        rendered = self.template(values, *args, **place)
        return [one for one in yaml.load_all(rendered, yaml.CSafeLoader) if one]  # in C: a tenth of the time
