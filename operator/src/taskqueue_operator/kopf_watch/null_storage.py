"""Storages of kopf without content.

kopf's own storages serve handlers that the operator does not have, and copy each object three times at every event,
which is most of the cost of an event.
"""

from typing import Any

import kopf


class NoDifferences(kopf.DiffBaseStorage):
    """Stores no former states of objects: the operator has no handlers that compare them."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:
        """Nothing was stored."""

    def store(self, **_: Any) -> None:
        """Nothing is stored."""


class NoProgress(kopf.ProgressStorage):
    """Stores no progress: the operator has no handlers that are retried."""

    def fetch(self, **_: Any) -> None:
        """Nothing was stored."""

    def store(self, **_: Any) -> None:
        """Nothing is stored."""

    def purge(self, **_: Any) -> None:
        """Nothing was stored."""

    def touch(self, **_: Any) -> None:
        """Nothing was stored."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence
