"""buildah with a private store, and the settings of this machine that a build needs to reach a package index."""

import os
import subprocess
from pathlib import Path

LENT = {
    "pip.conf": Path("/etc/pip.conf"),
    "uv.toml": Path("/etc/uv/uv.toml"),
    "ca.crt": Path("/etc/ssl/certs/ca-certificates.crt"),
}


def cache() -> Path:
    """The folder of the archives."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TASKQUEUE_CACHE") or Path(home) / "taskqueue").resolve() / "images"


def buildah(*words: str) -> str:
    """Run buildah. Layers are kept from build to build, apart from the user's own store."""
    store = ["--root", f"{cache()}/store", "--runroot", "/run/taskqueue-images"]
    done = subprocess.run(["buildah", *store, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def secrets() -> list[str]:
    """Lend pip's and uv's settings and the trusted authorities of this machine to a build.

    A secret is seen by the steps that name it, and is in no layer.
    """
    return [f"--secret=id={name},src={path}" for name, path in LENT.items() if path.exists()]
