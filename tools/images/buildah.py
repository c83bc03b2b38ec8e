"""buildah with a store of the project's own, and what a build must know of this machine to reach a package index."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
UV_SETTINGS = Path("/etc/uv/uv.toml")


def cache() -> Path:
    """The folder of the archives."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TASKQUEUE_CACHE") or Path(home) / "taskqueue").resolve() / "images"


def buildah(*words: str) -> str:
    """Run buildah. Its layers are kept from build to build, apart from those of the person who builds."""
    store = ["--root", f"{cache()}/store", "--runroot", "/run/taskqueue-images"]
    done = subprocess.run(["buildah", *store, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@contextmanager
def secrets() -> Iterator[list[str]]:
    """Give pip's and uv's settings and the trusted authorities of this machine to a build, and to nothing else.

    A secret is seen by the steps that name it, and is in no layer.
    """
    with tempfile.TemporaryDirectory(prefix="taskqueue-secrets-") as folder:
        uv_toml = Path(folder, "uv.toml")
        own = UV_SETTINGS.read_text() if UV_SETTINGS.exists() else ""
        uv_toml.write_text(own if "native-tls" in own else f"native-tls = true\n{own}")
        files = {"pip.conf": Path("/etc/pip.conf"), "uv.toml": uv_toml, "ca.crt": CERTIFICATES}
        yield [f"--secret=id={name},src={path}" for name, path in files.items() if path.exists()]
