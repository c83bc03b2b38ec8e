"""APIs on the store of a test; schemathesis, which pytest loads for these tests alone."""

import pytest

from tests.support.api.fixtures import api, ask, http, serve

__all__ = ["api", "ask", "http", "serve"]


def pytest_configure(config: pytest.Config) -> None:
    """Load schemathesis."""
    config.pluginmanager.import_plugin("schemathesis.pytest.plugin")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Name the operation in the id of a schemathesis test: pytest 9.2 leaves it out, and xdist runs one test per id."""
    label = getattr(item, "operation_label", None)
    if label and item.id.params is None:
        item._id = item.id.with_params(label)
