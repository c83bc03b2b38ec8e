"""The limits of the manifests, told to the example API when a run begins.

Later edits of the manifests do not change the API, as they would not change a real one.
"""

import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from taskqueue.dev.children import ChildError
from taskqueue.dev.declarations import find_undeclared
from taskqueue.models.values import Limit, LimitKey, UserSubscription
from taskqueue.sources.folder import load

_TIMEOUT_S = 5.0


def send_limits(api: str, path: Path) -> None:
    """Tell the example API the limits that manifests declare, if any.   api: its URL.

    Raises ChildError if the API does not take them.
    """
    if find_undeclared(path, ["RateLimit"]):
        return
    desired = load(path)
    body = msgspec.json.encode({"limits": rules(desired.limits, desired.users)})
    request = urllib.request.Request(f"{api}/-/limits", data=body, method="POST")  # noqa: S310 - loopback, our own
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310
            pass
    except (urllib.error.URLError, OSError) as error:
        raise ChildError(f"the example API did not take the limits of {path}: {error}") from error


def rules(limits: Mapping[str, Limit], users: Mapping[str, UserSubscription]) -> list[dict[str, Any]]:
    """Return limits as POST /-/limits takes them, with the values of single users."""
    own: dict[str, dict[str, dict[str, float]]] = {}
    for user in users.values():
        for one in user.limits:
            own.setdefault(one.name, {})[user.user_id] = {"per_second": one.per_second, "burst": one.burst}
    return [
        {
            "name": limit.name,
            "key": limit.key,
            "per_second": limit.per_second,
            "burst": limit.burst,
            "within": limit.within,
            "users": own.get(limit.name, {}) if limit.key is LimitKey.USER else {},
        }
        for limit in limits.values()
    ]
