"""The programs of a control plane, built if the cache has none; see tools/cluster."""

import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parents[3] / "tools" / "cluster" / "build.py"
NO_GO = 3


class NoGoError(Exception):
    """No Go could build the tools; the message names the remedy."""


def cluster_tools(release: str = "kubernetes") -> Path:
    """Return the folder. Progress goes to stderr: the first build takes minutes.

    release: the module of tools/cluster that says of which version the API server is.
    """
    with subprocess.Popen(
        [sys.executable, BUILD, release], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        assert run.stderr
        said = ""
        for line in run.stderr:
            said = line.strip()
            print(said, file=sys.stderr, flush=True)
        printed = run.stdout.read().strip()
    if run.returncode == NO_GO:
        raise NoGoError(said)
    assert run.returncode == 0, said
    return Path(printed)
