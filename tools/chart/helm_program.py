"""Where helm is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parents[1] / "cluster" / "build.py"


class NoHelmError(Exception):
    """No helm was found; the message names the remedy."""


def find_helm() -> Path:
    """Return the program: TASKQUEUE_HELM, or the build of tools/cluster, or without Go the one on PATH.

    Raises NoHelmError. The first build takes minutes; its progress goes to stderr.
    """
    given = os.environ.get("TASKQUEUE_HELM")
    if given:
        return Path(given)
    built = subprocess.run([sys.executable, BUILD, "helm"], stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode == 0:
        return Path(built.stdout.strip()) / "helm"
    found = shutil.which("helm")
    if not found:
        raise NoHelmError("the chart needs helm 4: put it on PATH, or its path into TASKQUEUE_HELM")
    return Path(found)
