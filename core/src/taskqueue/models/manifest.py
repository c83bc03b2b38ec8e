"""The entry of manifests: a document becomes a value, or is refused with every reason at once."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from taskqueue.models import part, values
from taskqueue.models.limit_rules import rate_limit_conflicts
from taskqueue.models.rate_limit import RateLimitManifest
from taskqueue.models.refusal import ManifestRefusedError, Refusal, must_be
from taskqueue.models.rules import subscription_conflicts, task_type_conflicts
from taskqueue.models.task_type import TaskTypeManifest
from taskqueue.models.user_subscription import UserSubscriptionManifest

API_VERSION = "taskqueue.dev/v1alpha1"


class _Kind(NamedTuple):
    shape: type[TaskTypeManifest | UserSubscriptionManifest | RateLimitManifest]
    conflicts: Callable[[Mapping[str, Any]], Iterator[Refusal]]


_KINDS = {
    "TaskType": _Kind(TaskTypeManifest, task_type_conflicts),
    "UserSubscription": _Kind(UserSubscriptionManifest, subscription_conflicts),
    "RateLimit": _Kind(RateLimitManifest, rate_limit_conflicts),
}


def parse(document: object) -> values.Declared:
    """Turn a document, as YAML or JSON gave it, into a value.

    Raises ManifestRefusedError, which names every field that is wrong.

    >>> app = {"kind": "RateLimit", "metadata": {"name": "app"}}
    >>> spec = {"key": "Release", "rate": {"requests": 100, "per": "1s"}}
    >>> parse({"apiVersion": API_VERSION, "spec": spec} | app)
    Limit(name='app', key=<LimitKey.RELEASE: 'Release'>, per_second=100.0, burst=1, within=None)
    """
    kind = _kind_of(document)
    refusals: list[Refusal] = []
    try:
        manifest = kind.shape.model_validate(document)
    except ValidationError as error:
        refusals += part.refusals(error, kind.shape)
    assert isinstance(document, dict)
    refusals += kind.conflicts(document)
    if refusals:
        raise ManifestRefusedError(tuple(refusals))
    return manifest.value()


def _kind_of(document: object) -> _Kind:
    if not isinstance(document, dict):
        raise _refused((), must_be("a mapping with apiVersion, kind, metadata and spec", document))
    if "apiVersion" not in document and "kind" not in document:
        raise _refused((), f"add apiVersion: {API_VERSION} and kind: {' or '.join(_KINDS)}")
    if document.get("apiVersion") != API_VERSION:
        raise _refused(
            ("apiVersion",),
            must_be(f"{API_VERSION}, with kind {' or '.join(_KINDS)}", document.get("apiVersion")),
        )
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _refused(("kind",), must_be(" or ".join(_KINDS), kind))
    return _KINDS[kind]


def _refused(path: tuple[str, ...], message: str) -> ManifestRefusedError:
    return ManifestRefusedError((Refusal(path, message),))
