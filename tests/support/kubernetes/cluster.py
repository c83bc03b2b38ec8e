"""A cluster as one of its users sees it: a kubeconfig, and kubectl with it."""

import json
import os
import subprocess
from pathlib import Path

from tests.support.kubernetes import kubeconfig

LIMIT_S = 60.0


class KubectlError(Exception):
    """kubectl failed; the message is its output."""


class Cluster:
    """folder: of kubectl's cache and of further kubeconfigs."""

    def __init__(self, kubectl: Path, kubeconfig: Path, folder: Path) -> None:
        self.program = kubectl
        self.kubeconfig = kubeconfig
        self.folder = folder

    def attempt(self, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl and return its end, also a refusal."""
        return subprocess.run(
            [self.program, *args],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
            env={
                **os.environ,
                "KUBECONFIG": str(self.kubeconfig),
                "KUBECACHEDIR": str(self.folder / "kubectl-cache"),
                "KUBERC": "off",  # a person's own aliases and defaults are no part of a test
            },
        )

    def kubectl(self, *args: str, stdin: str = "") -> str:
        """Run kubectl and return its output."""
        done = self.attempt(*args, stdin=stdin)
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(args)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def refused(self, *args: str, stdin: str = "") -> str:
        """Run kubectl, which must fail, and return its message."""
        done = self.attempt(*args, stdin=stdin)
        assert done.returncode, f"kubectl {' '.join(args)} did it: {done.stdout.strip()}"
        return done.stderr

    def minor(self) -> int:
        """Return the 30 of a server of version 1.30."""
        asked = json.loads(self.kubectl("version", "--output", "json"))
        return int(asked["serverVersion"]["minor"].rstrip("+"))

    def kubeconfig_for(self, service_account: str, namespace: str) -> Path:
        """Write a kubeconfig with a token of a service account, for hours."""
        token = self.kubectl(
            "create", "token", service_account, "--namespace", namespace, "--duration=3h"
        ).strip()
        shown = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output", "json")
        return kubeconfig.write(
            self.folder / f"{namespace}-{service_account}.kubeconfig",
            json.loads(shown)["clusters"][0]["cluster"],
            {"token": token},
            namespace,
        )

    def seen_by(self, service_account: str, namespace: str) -> "Cluster":
        """Return the same cluster, as a service account."""
        return Cluster(self.program, self.kubeconfig_for(service_account, namespace), self.folder)
