"""Where helm is."""

import os
import shutil
from pathlib import Path


class NoHelmError(Exception):
    """There is no helm; the message says what to do."""


def find_helm() -> Path:
    """Return the program: TASKQUEUE_HELM, or what is on PATH. Raises NoHelmError."""
    found = os.environ.get("TASKQUEUE_HELM") or shutil.which("helm")
    if not found:
        raise NoHelmError("the chart needs helm 4: put it on PATH, or its path into TASKQUEUE_HELM")
    return Path(found)
