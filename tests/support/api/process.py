"""An API process under test, on a free port of loopback."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.process.child import Child

STARTED = "process started"

#: Tokens of one viewer and one editor, and the headers of requests with them.
VIEWER, EDITOR = "viewer-token-0123456789", "editor-token-0123456789"
AS_VIEWER, AS_EDITOR = ({"Authorization": f"Bearer {token}"} for token in (VIEWER, EDITOR))
PROXY_SECRET = "proxy-secret-0123456789"

#: Files of a credentials folder.
CREDENTIALS = {
    "viewer-tokens": f"vera {VIEWER}\n",
    "editor-tokens": f"eduard {EDITOR}\n",
    "cookie-key": "k" * 64,
    "proxy-secret": PROXY_SECRET,
}


@dataclass(frozen=True, slots=True)
class RunningApi:
    """url: of its API and console, without a slash at the end.   health: URL of its health port."""

    url: str
    health: str
    child: Child
    credentials: Path

    @property
    def pid(self) -> int:
        return self.child.process.pid

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of its log."""
        return [json.loads(line) for line in self.child.log.read_text().splitlines()]


@contextmanager
def running_api(
    redis_url: str,
    release: str,
    folder: Path,
    credentials: Mapping[str, str] | None = None,
    **settings: object,
) -> Iterator[RunningApi]:
    """Run an API and wait until it has started; it is killed at the end.

    credentials: files of its credentials folder, None for none.   settings: by name, such as read_only=True.
    """
    if credentials is not None:
        settings["credentials"] = write_credentials(folder / "credentials", credentials)
    where = {
        "TASKQUEUE_REDIS_URL": redis_url,
        "TASKQUEUE_RELEASE": release,
        "TASKQUEUE_PORT": "0",
        "TASKQUEUE_HEALTH_PORT": "0",
    }
    env = where | {f"TASKQUEUE_{name.upper()}": _spelled(value) for name, value in settings.items()}
    log = folder / f"api-{os.urandom(4).hex()}.log"
    child = Child(Path(sys.executable), log, "-m", "taskqueue_api", env=env)
    try:
        child.until(STARTED, lambda: STARTED in log.read_text())
        (said,) = (line for line in map(json.loads, log.read_text().splitlines()) if line["event"] == STARTED)
        health = f"http://127.0.0.1:{said['health_port']}"
        yield RunningApi(said["address"], health, child, folder / "credentials")
    finally:
        child.kill()


def write_credentials(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a credentials folder, and return it; files that are not named are removed."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def _spelled(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool | list) else str(value)
