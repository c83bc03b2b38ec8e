"""A node with the project's images. `make e2e` runs these tests, in namespaces of the machine's own."""

from tests.support.node.fixtures import (
    archives,
    helm,
    installed,
    namespace,
    node,
    other_namespace,
    package,
    second,
    work,
)

__all__ = [
    "archives",
    "helm",
    "installed",
    "namespace",
    "node",
    "other_namespace",
    "package",
    "second",
    "work",
]
