"""APIs on the store of a test."""

from tests.support.api.fixtures import api, http, serve

__all__ = ["api", "http", "serve"]
