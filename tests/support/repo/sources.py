"""Files of the repository by package, and lists of exceptions that can only shrink."""

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
#: The distributions' sources.
PRODUCT = ("core/src", "api/src", "operator/src", "worker/src")
#: All other Python of the repository.
SURROUNDINGS = ("tests", "benchmarks", "tools", "docs", "examples")


def python_files(*folders: str) -> list[Path]:
    """Return all modules below these folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def packages() -> dict[str, Path]:
    """Return the packages of the product by their dotted names."""
    found = {}
    for source in PRODUCT:
        for init in sorted((ROOT / source).rglob("__init__.py")):
            found[".".join(init.parent.relative_to(ROOT / source).parts)] = init.parent
    return found


@cache
def tree(path: Path) -> ast.Module:
    """Parse a module, once."""
    return ast.parse(path.read_text())


def docstrings(module: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield a module, its classes and functions, each with its docstring."""
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node, text


def imports(module: ast.Module) -> Iterator[str]:
    """Yield the dotted names of all imported modules."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def check_exceptions(faults: Collection[str], exceptions: Collection[str]) -> None:
    """Fail for a fault that is no exception, and for an exception without a fault: the list must shrink."""
    added = sorted(set(faults) - set(exceptions))
    done = sorted(set(exceptions) - set(faults))
    assert not added, f"mend these: {added}"
    assert not done, f"these are mended: remove them from the list of exceptions: {done}"
