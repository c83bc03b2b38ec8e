"""API processes on the store of a test."""

from tests.support.api.fixtures import api, http

__all__ = ["api", "http"]
