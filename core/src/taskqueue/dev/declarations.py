"""The kinds that a folder of manifests declares, found without reading its documents.

Manifests of 10,000 users take seconds to read.
"""

import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from taskqueue.sources.bounded_file import FileRefusedError, read_bounded
from taskqueue.sources.scan import scan

#: Makes the users of an example.
_MAKE_USERS = "make_users.py"
#: A document of JSON or YAML spells its kind out.
_KIND = r"""\bkind["']?\s*:\s*["']?{}\b"""


def find_undeclared(path: Path, kinds: Collection[str]) -> list[str]:
    """Return the kinds that no file declares."""
    missing = {kind: re.compile(_KIND.format(kind).encode()) for kind in kinds}
    for file in scan(path).stamps:
        with suppress(OSError, FileRefusedError):
            data = read_bounded(file)
            missing = {kind: pattern for kind, pattern in missing.items() if not pattern.search(data)}
        if not missing:
            break
    return list(missing)


def find_gap(path: Path) -> str | None:
    """Return a sentence about manifests without types or users, which never make a job due; None for others."""
    missing = find_undeclared(path, ("TaskType", "UserSubscription"))
    if not missing:
        return None
    script = path / _MAKE_USERS
    makes_users = missing == ["UserSubscription"] and script.is_file()
    remedy = (
        f"`python {script} --out {path / 'users.ndjson'}` makes the users of this example"
        if makes_users
        else f"add a {' and a '.join(missing)}"
    )
    return f"{path} declares no {' and no '.join(missing)}, so no job will be due: {remedy}"
