"""Functions and modules stay short enough to be read at once."""

import ast

from tests.support.repo.exceptions import LONG_FUNCTIONS, LONG_MODULES
from tests.support.repo.sources import PRODUCT, ROOT, SURROUNDINGS, check_exceptions, python_files, tree

MAX_FUNCTION_LINES = 60
MAX_MODULE_LINES = 250


def test_functions_have_at_most_60_lines() -> None:
    found = []
    for path in python_files(*PRODUCT, *SURROUNDINGS):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    found.append(f"{path.relative_to(ROOT)}: {node.name}")
    check_exceptions(found, LONG_FUNCTIONS)


def test_modules_have_at_most_250_lines() -> None:
    paths = python_files(*PRODUCT, "benchmarks", "tools", "docs", "examples", "tests/support")
    found = [path for path in paths if len(path.read_text().splitlines()) > MAX_MODULE_LINES]
    check_exceptions([str(path.relative_to(ROOT)) for path in found], LONG_MODULES)
