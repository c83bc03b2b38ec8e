"""The shop of examples/shop, read from its own files: types, handlers, and subscriptions."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.support.kubernetes.shop import ROOT, Object

FOLDER = ROOT / "examples" / "shop"
HANDLERS = str(FOLDER / "handlers.py")


def make_users(number: int, folder: Path) -> list[Object]:
    """Have the shop's own script make so many; blocks for a second."""
    out = folder / "users.ndjson"
    subprocess.run(
        [sys.executable, FOLDER / "make_users.py", "--users", str(number), "--out", out],
        check=True,
        capture_output=True,
    )
    return [json.loads(line) for line in out.read_text().splitlines()]


def subscribers(users: Iterable[Object], task_type: str) -> set[str]:
    """Return the users with an active subscription to a type."""
    return {
        user["metadata"]["name"]
        for user in users
        for task in user["spec"]["tasks"]
        if task["type"] == task_type and not task.get("suspend")
    }
