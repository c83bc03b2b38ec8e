"""A row of an import as a user: the short form, which is the spec of a UserSubscription, or the whole manifest."""

from dataclasses import replace
from typing import Any

from taskqueue.models.fault import Fault
from taskqueue.models.manifest import API_VERSION, parse
from taskqueue.models.plain_user import read_plain_user
from taskqueue.models.refusal import ManifestRefusedError, Refusal, must_be
from taskqueue.models.values import UserSubscription

_SHELL = {"apiVersion": API_VERSION, "kind": "UserSubscription", "metadata": {"name": "row"}}

#: A line and the user, or one of the faults, of the row that begins there.
Row = tuple[int, UserSubscription | Fault]


def read_row(row: Any) -> UserSubscription:
    """Read a row of either form. Raises ManifestRefusedError."""
    if not isinstance(row, dict):
        raise ManifestRefusedError((Refusal((), must_be("a mapping with userId and tasks", row)),))
    if "apiVersion" not in row and "kind" not in row:
        return read_user(row)
    user = parse(row)
    if not isinstance(user, UserSubscription):
        message = f"{must_be('UserSubscription', row['kind'])}; only users are imported, all else is applied"
        raise ManifestRefusedError((Refusal(("kind",), message),))
    return user


def read_user(spec: dict[str, Any]) -> UserSubscription:
    """Read the short form. Raises ManifestRefusedError, with paths inside the row."""
    if spec.get("userId") is None:
        raise ManifestRefusedError((Refusal(("userId",), "add userId: it is required"),))
    return read_plain_user(spec) or _read_any_user(spec)


def _read_any_user(spec: dict[str, Any]) -> UserSubscription:
    try:
        user = parse(_SHELL | {"spec": spec})
    except ManifestRefusedError as error:
        inside = (replace(refusal, path=refusal.path[1:]) for refusal in error.refusals)
        raise ManifestRefusedError(tuple(inside)) from error
    assert isinstance(user, UserSubscription)
    return user
