"""Fakes implement small protocols: no class of the tests derives from a concrete class of the product."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.support.repo.exceptions import DERIVED_FAKES
from tests.support.repo.sources import ROOT, check_exceptions, python_files, tree

#: Classes of the product that exist to be derived from.
BASES = {"taskqueue.models.part.Part"}


def product_names(module: ast.Module) -> dict[str, str]:
    """Return the names that a module imports from the product, each with its full name."""
    nodes = [node for node in ast.walk(module) if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in nodes
        if node.module and node.module.startswith("taskqueue")
        for alias in node.names
    }


def is_concrete(name: str) -> bool:
    """Return whether a class is neither a protocol, nor an exception, nor made to be derived from."""
    module, _, attribute = name.rpartition(".")
    found = getattr(import_module(module), attribute)
    return (
        name not in BASES and not getattr(found, "_is_protocol", False) and not issubclass(found, Exception)
    )


def derived(path: Path) -> Iterator[str]:
    names = product_names(tree(path))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            bases = [names[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id in names]
            if any(map(is_concrete, bases)):
                yield f"{path.relative_to(ROOT)}: {node.name}"


def test_no_fake_derives_from_a_concrete_class() -> None:
    found = [name for path in python_files("tests", "benchmarks") for name in derived(path)]
    check_exceptions(found, DERIVED_FAKES)
