"""docker compose, built from its sources, and its reading of docker-compose.yml. No engine is available."""

import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
NOWHERE = {"HOME": "/nonexistent", "DOCKER_HOST": "unix:///nonexistent/docker.sock"}
Service = dict[str, Any]


def compose(program: Path, *words: str, file: Path = FILE) -> subprocess.CompletedProcess[str]:
    """Run it on the file, or on another as if that lay there."""
    command = [str(program), "--file", str(file), "--project-directory", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=NOWHERE)


def services(program: Path) -> dict[str, Service]:
    """All that `docker compose up` would start, with every default, path and reference put in."""
    printed = compose(program, "config", "--format", "json")
    assert printed.returncode == 0, printed.stderr
    assert "$" not in printed.stdout, "a dollar would have been doubled"
    found: dict[str, Service] = json.loads(printed.stdout)["services"]
    return found
