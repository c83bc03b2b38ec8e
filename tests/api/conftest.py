"""APIs on the store of a test."""

from tests.support.api.fixtures import api, ask, http, serve

__all__ = ["api", "ask", "http", "serve"]
