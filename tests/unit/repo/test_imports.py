"""Imports between tests, benchmarks and the product; `lint-imports` holds the contracts within the product."""

from tests.support.repo.sources import PRODUCT, ROOT, imports, python_files, tree


def importers(package: str, *folders: str) -> list[str]:
    """Return the modules in these folders that import a package."""
    return [
        str(path.relative_to(ROOT))
        for path in python_files(*folders)
        if any(f"{name}.".startswith(f"{package}.") for name in imports(tree(path)))
    ]


def test_only_benchmarks_import_benchmarks() -> None:
    assert importers("benchmarks", *PRODUCT, "tests", "tools", "docs", "examples") == []


def test_benchmarks_import_of_tests_only_support() -> None:
    found = {
        name
        for path in python_files("benchmarks")
        for name in imports(tree(path))
        if name.startswith("tests.") and not name.startswith("tests.support.")
    }
    assert found == set()


def test_the_product_imports_neither_tests_nor_tools() -> None:
    assert importers("tests", *PRODUCT, "tools", "docs", "examples") == []
    assert importers("tools", *PRODUCT) == []


def test_the_oracle_shares_no_code_with_the_plan_that_it_judges() -> None:
    assert importers("taskqueue", "tests/support/oracle") == []
